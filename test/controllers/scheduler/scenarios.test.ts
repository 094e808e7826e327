import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { VolumeBinder } from '../../../controllers/scheduler/volume-binder.ts';
import { DEFAULT_SETTINGS } from '../../../controllers/scheduler/configuration/settings.ts';
import { SchedulerCache } from '../../../controllers/scheduler/cache.ts';
import { deviceCaches } from '../../../controllers/scheduler/devices/caches.ts';
import { workloadCaches } from '../../../controllers/scheduler/plugins/default-selector.ts';
import { volumeCaches } from '../../../controllers/scheduler/plugins/volumes.ts';
import { podInfoOf } from '../../../controllers/scheduler/pod-info.ts';
import { newProfile } from '../../../controllers/scheduler/profile.ts';
import { schedulerController } from '../../../controllers/scheduler/scheduler.ts';
import type { Surroundings } from '../../../controllers/scheduler/plugin.ts';
import type { ControllerDefinition } from '../../../controllers/runtime/controller.ts';
import { namespaces, nodes, pods, type Pod } from '../../../openapi/generated/core-v1.ts';
import { COMMON, type RecordedScenario, type ScenarioOutcome } from '../../golden/scheduler/scenarios.ts';
import { createObject } from '../../golden/scheduler/world.ts';
import { startHarness, type Harness } from '../harness.ts';

const file =
  process.env['SCENARIOS'] ?? join(import.meta.dirname, '..', '..', 'golden', 'scheduler', 'scenarios.json');
const recorded = JSON.parse(readFileSync(file, 'utf8')) as RecordedScenario[];

type Scores = NonNullable<ScenarioOutcome['scores']>;

/** Looks at a cluster as the scheduler does, and says how much each plugin likes each node that fits. */
class Onlooker {
  readonly definition: ControllerDefinition;
  #around: Surroundings | undefined;

  constructor() {
    const description = { does: '', watches: [], writes: [], events: [], leavesOut: [] };
    this.definition = {
      name: 'onlooker',
      description,
      setup: (context) => {
        const cache = new SchedulerCache();
        context.informer(nodes).addHandler({
          added: (node) => cache.setNode(node),
          updated: (node) => cache.setNode(node),
        });
        context.informer(pods).addHandler({
          added: (pod) => {
            if ((pod.spec.nodeName ?? '') !== '') cache.place(pod, pod.spec.nodeName!);
          },
        });
        const volumes = volumeCaches(context);
        this.#around = {
          cache,
          volumes,
          volumeBinder: new VolumeBinder(context, volumes),
          workloads: workloadCaches(context),
          namespaces: context.informer(namespaces),
          devices: deviceCaches(context),
        };
        return { start: () => undefined, stop: () => undefined };
      },
    };
  }

  scoresOf(pod: Pod): Scores {
    const around = this.#around!;
    const profile = newProfile(DEFAULT_SETTINGS.profiles[0]!);
    const runs = new Map(profile.plugins.map((plugin) => [plugin, plugin.prepare?.(podInfoOf(pod), around)]));
    const chosen = [...runs.values()].flatMap((run) => (run?.nodes === undefined ? [] : [run.nodes]));
    const fitting = around.cache.nodes.filter(
      (node) =>
        chosen.every((names) => names.has(node.name)) &&
        profile.at.filter.every((plugin) => runs.get(plugin)?.filter?.(node, []) === undefined),
    );
    const scores: Record<string, Record<string, number>> = {};
    for (const { name } of fitting) scores[name] = {};
    for (const plugin of profile.at.score) {
      const values = runs.get(plugin)?.score?.(fitting);
      for (const [i, { name }] of fitting.entries())
        if (values !== undefined) scores[name]![plugin.name] = values[i]! * profile.weights.get(plugin)!;
    }
    return scores;
  }
}

/**
 * As upstream reports them. Plugins that give all nodes the same have nothing to say: kubemu's may leave themselves out where
 * upstream's give everybody nothing, or everything.
 */
function telling(scores: Scores): Scores {
  const names = Object.keys(scores).toSorted();
  const plugins = new Set(names.flatMap((node) => Object.keys(scores[node]!)));
  const differing = [...plugins]
    .filter((plugin) => new Set(names.map((node) => scores[node]![plugin] ?? 0)).size > 1)
    .toSorted();
  return Object.fromEntries(
    names.map((node) => [
      node,
      Object.fromEntries(differing.map((plugin) => [plugin, scores[node]![plugin] ?? 0])),
    ]),
  );
}

let harness: Harness;
afterEach(() => harness.stop());

async function build(
  { objects, pod }: RecordedScenario,
  ...controllers: ControllerDefinition[]
): Promise<Pod> {
  harness = await startHarness(controllers);
  const inOtherNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-public' } };
  for (const object of [inOtherNamespace, ...COMMON, ...objects]) await createObject(harness.client, object);
  await harness.settle();
  await createObject(harness.client, pod);
  await harness.settle();
  return harness.get(pods, 'wanted');
}

async function outcomeOf(scenario: RecordedScenario): Promise<ScenarioOutcome> {
  const { spec, status } = await build(scenario, schedulerController);
  if ((spec.nodeName ?? '') !== '') return { node: spec.nodeName };
  const condition = status.conditions?.find(({ type }) => type === 'PodScheduled');
  const nominated = status.nominatedNodeName;
  if (condition === undefined) return nominated === undefined ? {} : { node: nominated };
  const { items } = await harness.client.list(pods, {});
  const victims = items
    .filter((each) => each.status.conditions?.some(({ type }) => type === 'DisruptionTarget') === true)
    .map(({ metadata }) => metadata.name!);
  return {
    message: condition.message,
    ...(nominated === undefined ? {} : { nominated, victims: victims.toSorted() }),
  };
}

const sum = (scores: Readonly<Record<string, number>>): number =>
  Object.values(scores).reduce((total, score) => total + score, 0);

/** The nodes among which upstream draws. */
function bestOf(scores: Scores): string[] {
  const best = Math.max(...Object.values(scores).map(sum));
  return Object.keys(scores).filter((node) => sum(scores[node]!) === best);
}

const titled = recorded.map((scenario) => ({ title: `scenario ${scenario.seed}`, scenario }));

describe('a pod that the real scheduler', () => {
  const placed = titled.filter(({ scenario }) => scenario.outcome.node !== undefined);
  it.each(placed)('places goes to a node as good: $title', async ({ scenario }) => {
    const { node, scores } = scenario.outcome;
    const outcome = await outcomeOf(scenario);
    if (scores === undefined) expect(outcome).toEqual({ node });
    else expect(bestOf(scores)).toContain(outcome.node);
  });

  const scored = placed.filter(({ scenario }) => scenario.outcome.scores !== undefined);
  it.each(scored)('scores is scored alike, plugin by plugin: $title', async ({ scenario }) => {
    const onlooker = new Onlooker();
    const pod = await build(scenario, onlooker.definition);
    expect(telling(onlooker.scoresOf(pod))).toEqual(telling(scenario.outcome.scores!));
  });

  const refused = titled.filter(({ scenario }) => scenario.outcome.message !== undefined);
  it.each(refused)('places nowhere is told the same: $title', async ({ scenario }) => {
    expect(await outcomeOf(scenario)).toEqual(scenario.outcome);
  });
});
