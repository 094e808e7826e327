/** Gives every pod of its profiles a node. Mirrors kube-scheduler; see docs/reference/scheduler.md. */
import { namespaces, pods, type Pod } from '../../openapi/generated/core-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
  RunningController,
} from '../runtime/controller.ts';
import { BindingCycle } from './binding-cycle.ts';
import { SchedulerCache } from './cache.ts';
import { ClusterWatch } from './cluster-watch.ts';
import { DEFAULT_SETTINGS, type SchedulerSettings } from './configuration/settings.ts';
import { deviceCaches } from './devices/caches.ts';
import { fitMessage, NO_NODES, preFilterMessage } from './fit-error.ts';
import type { ClusterEvent } from './events.ts';
import type { NodeInfo } from './node-info.ts';
import { Nominations } from './nominations.ts';
import { SchedulingError, type Rejection, type Surroundings } from './plugin.ts';
import { workloadCaches } from './plugins/default-selector.ts';
import { volumeCaches } from './plugins/volumes.ts';
import { PostFilter } from './post-filter.ts';
import { newBackground, Profiles, type Background } from './profiles.ts';
import { pluginsOf, SchedulingQueue } from './queue.ts';
import { Scheduling, type Attempt, type Outcome } from './scheduling.ts';
import { VolumeBinder } from './volume-binder.ts';

const DEFINITION: Omit<ControllerDefinition, 'setup'> = {
  name: 'scheduler',
  description: {
    does: 'Gives pods a node, by the filters and scores of the default profile, preempting where priorities allow.',
    watches: [
      'csidrivers',
      'csinodes',
      'csistoragecapacities',
      'deviceclasses',
      'namespaces',
      'nodes',
      'persistentvolumeclaims',
      'persistentvolumes',
      'poddisruptionbudgets',
      'pods',
      'replicasets',
      'replicationcontrollers',
      'resourceclaims',
      'resourceslices',
      'services',
      'statefulsets',
      'storageclasses',
    ],
    writes: [
      'persistentvolumeclaims',
      'persistentvolumes',
      'pods',
      'pods/binding',
      'pods/status',
      'resourceclaims',
      'resourceclaims/status',
    ],
    events: ['BindingConditionsPending', 'FailedScheduling', 'Preempted', 'Scheduled'],
    leavesOut: ['extenders', 'pod groups'],
  },
};

/** The scheduler with its profiles and back-offs. */
export function newSchedulerController(settings: SchedulerSettings): ControllerDefinition {
  return { ...DEFINITION, setup: (context) => new Scheduler(context, settings) };
}

/** As it is when nobody configures it. */
export const schedulerController = newSchedulerController(DEFAULT_SETTINGS);

class Scheduler implements RunningController {
  readonly #profiles: Profiles;
  readonly #background: Background;
  readonly #pods: Informer<Pod>;
  readonly #cache = new SchedulerCache();
  readonly #nominations = new Nominations();
  readonly #around: Surroundings;
  readonly #scheduling: Scheduling;
  readonly #binder: VolumeBinder;
  readonly #queue: SchedulingQueue;
  readonly #postFilter: PostFilter;
  readonly #binding: BindingCycle;
  #started = false;
  #running = false;

  constructor(base: ControllerContext, settings: SchedulerSettings) {
    const context = { ...base, client: base.client.as('kube-scheduler') };
    const profiles = new Profiles(context, settings.profiles);
    const background = newBackground(context);
    const cache = this.#cache;
    const nominations = this.#nominations;
    this.#profiles = profiles;
    this.#background = background;
    this.#pods = context.informer(pods);
    const volumes = volumeCaches(context);
    this.#binder = new VolumeBinder(context, volumes);
    const around: Surroundings = {
      cache,
      volumes,
      volumeBinder: this.#binder,
      workloads: workloadCaches(context),
      namespaces: context.informer(namespaces),
      devices: deviceCaches(context),
    };
    this.#around = around;
    const scheduling = new Scheduling(around, nominations, context.random);
    this.#scheduling = scheduling;
    const queue = new SchedulingQueue({
      clock: context.clock,
      backOffMs: settings.backOffMs,
      wake: () => this.#wake(),
      mayHelp: (plugin, key, event) => this.#mayHelp(plugin, key, event),
    });
    this.#queue = queue;
    const watch = new ClusterWatch({ context, profiles, around, nominations, queue });
    const enqueue = (pod: Pod): void => watch.enqueue(pod);
    this.#binding = new BindingCycle({ context, profiles, background, cache, queue, watch });
    this.#postFilter = new PostFilter({
      context,
      profiles,
      background,
      cache,
      nominations,
      scheduling,
      enqueue,
    });
  }

  start(): void {
    this.#started = true;
    this.#wake();
  }

  stop(): void {
    this.#started = false;
    this.#queue.stop();
    this.#binding.stop();
    this.#binder.stop();
    this.#around.devices.waits.stop();
  }

  #mayHelp(plugin: string, key: string, event: ClusterEvent): boolean {
    const pod = this.#pods.get(key);
    if (pod === undefined || this.#postFilter.isPreempting(pod)) return false;
    const { plugins } = this.#profiles.of(pod).profile;
    return plugins.find(({ name }) => name === plugin)?.mayHelp?.(pod, event) === true;
  }

  /** Works off the queue, a pod a turn of the event loop, so that nothing else starves. */
  #wake(): void {
    if (!this.#started || this.#running || !this.#queue.hasReady) return;
    this.#running = true;
    this.#background('scheduler', () => {
      this.#running = false;
      const key = this.#queue.pop();
      if (key !== undefined) this.#schedule(key);
      this.#wake();
    });
  }

  #schedule(key: string): void {
    const pod = this.#pods.get(key);
    if (pod === undefined || (pod.spec.nodeName ?? '') !== '') {
      this.#queue.remove(key);
      return;
    }
    const { profile, reporter } = this.#profiles.of(pod);
    try {
      const outcome = this.#scheduling.find(pod, profile);
      if ('node' in outcome) this.#assume(key, pod, outcome.node, outcome.attempt);
      else this.#fail(key, pod, outcome);
    } catch (error) {
      if (!(error instanceof SchedulingError)) throw error;
      this.#queue.retry(key);
      this.#background('scheduler report', () => reporter.failed(pod, 'SchedulerError', error.message));
    }
  }

  #assume(key: string, pod: Pod, node: NodeInfo, attempt: Attempt): void {
    const rejection = this.#binding.begin(key, pod, node, attempt);
    if (rejection === undefined) return;
    this.#queue.fail(key, pluginsOf([rejection]));
    this.#report(pod, fitMessage(1, [rejection]), '');
  }

  #fail(
    key: string,
    pod: Pod,
    outcome: Extract<Outcome, { rejections: ReadonlyMap<NodeInfo, Rejection> }>,
  ): void {
    const { attempt, rejection, rejections } = outcome;
    const count = this.#cache.nodes.length;
    if (count === 0) {
      this.#queue.fail(key, new Set(['NodeResourcesFit']));
      this.#nominations.clear(pod.metadata.uid!);
      this.#report(pod, NO_NODES, '');
      return;
    }
    const message =
      rejection === undefined
        ? fitMessage(count, [...rejections.values()])
        : preFilterMessage(count, rejection);
    this.#queue.fail(key, pluginsOf(rejection === undefined ? rejections.values() : [rejection]));
    const room = this.#postFilter.makeRoom(pod, attempt, rejections);
    if (room.nominated === '') this.#nominations.clear(pod.metadata.uid!);
    this.#report(pod, `${message}${room.message}`, room.nominated);
  }

  #report(pod: Pod, message: string, nominated?: string): void {
    const { reporter } = this.#profiles.of(pod);
    this.#background('scheduler report', () => reporter.failed(pod, 'Unschedulable', message, nominated));
  }
}
