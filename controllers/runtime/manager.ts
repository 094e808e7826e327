import type { Client, ResourceType } from '../../api/machinery/client.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import type { Metrics } from '../../api/machinery/metrics.ts';
import { quietWhen, type Logger } from '../../api/machinery/logger.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import type { Random } from '../../api/machinery/random.ts';
import type { TaskTracker } from '../../api/machinery/tasks.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  ControllerOptions,
  EventRecorder,
  Informer,
  RunningController,
} from './controller.ts';
import { createRecorder } from './event-recorder.ts';
import { SharedInformer } from './informer.ts';

export interface ManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly tasks: TaskTracker;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  readonly options: ControllerOptions;
  readonly controllers: readonly ControllerDefinition[];
  /** The client of one controller, when they are to be told apart. Default: `client` for all. */
  readonly clientFor?: (controller: string) => Client;
}

export interface ControllerManager {
  /** Starts informers, waits for their caches, starts the controllers. */
  start(): Promise<void>;
  /** Stops controllers and informers; resolves when no reconcile is under way. */
  stop(): Promise<void>;
}

/** Sets up the controllers on shared informers; nothing runs before `start`. */
export function createControllerManager(options: ManagerOptions): ControllerManager {
  const { client, clock, random, tasks } = options;
  let isStopped = false;
  const logger = quietWhen(() => isStopped, options.logger);
  const informers = new Map<string, SharedInformer<KubeObject>>();
  const recorders = new Map<string, EventRecorder>();

  const context: ControllerContext = {
    client,
    clock,
    random,
    tasks,
    logger,
    metrics: options.metrics,
    options: options.options,
    informer: <T extends KubeObject>(resource: ResourceType<T>): Informer<T> => {
      const key = `${resource.group}/${resource.version}/${resource.resource}`;
      let informer = informers.get(key);
      if (informer === undefined) {
        informer = new SharedInformer<KubeObject>(resource, { client, clock, tasks, logger });
        informers.set(key, informer);
      }
      return informer as unknown as Informer<T>;
    },
    recorder: (component, host) => {
      const key = `${component}/${host ?? ''}`;
      let recorder = recorders.get(key);
      if (recorder === undefined) {
        recorder = createRecorder({
          client: client.as(component),
          clock,
          random,
          tasks,
          logger,
          component,
          host,
        });
        recorders.set(key, recorder);
      }
      return recorder;
    },
  };

  const running: RunningController[] = options.controllers.map((definition) =>
    definition.setup({ ...context, client: options.clientFor?.(definition.name) ?? client }),
  );
  return {
    start: async () => {
      await Promise.all([...informers.values()].map((informer) => informer.start()));
      for (const controller of running) controller.start?.();
    },
    stop: async () => {
      isStopped = true;
      for (const controller of running) await controller.stop?.();
      for (const informer of informers.values()) informer.stop();
    },
  };
}

/** A controller that kube-controller-manager has and kubemu has not: its name may be switched off, not on. */
export interface AbsentController {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Why there is none, as a clause. */
  readonly why: string;
}

type Named = Pick<ControllerDefinition, 'name' | 'aliases'>;

/**
 * The controllers that a --controllers list asks for: `*` is all that are on by default, a name one more, `-name` one
 * less; a name wins over `*`, and of a name and its `-name` the first. Throws an Error that says what is unknown, and what
 * cannot be switched on. Mirrors controller-manager options/generic.go and app/helper.go IsControllerEnabled.
 */
export function selectControllers(
  definitions: readonly ControllerDefinition[],
  list: readonly string[],
  absent: readonly AbsentController[] = [],
): ControllerDefinition[] {
  const problems = list.flatMap((entry) => problemsOf(entry, definitions, absent));
  if (problems.length > 0) throw new Error(problems.join(', '));
  return definitions.filter((definition) => {
    const choice = list.find((entry) => answersTo(definition, withoutDash(entry)));
    if (choice !== undefined) return !choice.startsWith('-');
    return list.includes('*') && definition.disabledByDefault !== true;
  });
}

function problemsOf(
  entry: string,
  definitions: readonly ControllerDefinition[],
  absent: readonly AbsentController[],
): string[] {
  const name = withoutDash(entry);
  if (entry === '*' || definitions.some((definition) => answersTo(definition, name))) return [];
  const missing = absent.find((controller) => answersTo(controller, name));
  if (missing === undefined) return [`"${name}" is not in the list of known controllers`];
  return entry === name ? [`"${name}" is not implemented by kubemu: ${missing.why}`] : [];
}

function withoutDash(entry: string): string {
  return entry.replace(/^-/, '');
}

function answersTo({ name, aliases = [] }: Named, asked: string): boolean {
  return name === asked || aliases.includes(asked);
}
