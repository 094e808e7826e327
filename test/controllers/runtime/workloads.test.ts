/**
 * Whatever users do to workloads, in whatever order nodes and controllers get to work, and however often the process
 * starts anew: once all is quiet, everything belongs together. A seed that fails fails again.
 */
import { afterEach, expect, it } from 'vitest';
import { selectorFromLabelSelector } from '../../../api/machinery/labels.ts';
import type { ResourceType } from '../../../api/machinery/client.ts';
import { controllerOf, type KubeObject } from '../../../api/machinery/object-meta.ts';
import { randomInt, SeededRandom, type Random } from '../../../api/machinery/random.ts';
import { daemonSetController } from '../../../controllers/daemonset/daemonset-controller.ts';
import { targetNode } from '../../../controllers/daemonset/placement.ts';
import { deploymentController } from '../../../controllers/deployment/deployment-controller.ts';
import { disruptionController } from '../../../controllers/disruption/disruption-controller.ts';
import { endpointsController } from '../../../controllers/endpoints/endpoints-controller.ts';
import { garbageCollectorController } from '../../../controllers/garbage-collector/garbage-collector.ts';
import { replicaSetController } from '../../../controllers/replicaset/replicaset-controller.ts';
import { replicationControllerController } from '../../../controllers/replicationcontroller/replicationcontroller-controller.ts';
import { statefulSetController } from '../../../controllers/statefulset/statefulset-controller.ts';
import { daemonSets, deployments, replicaSets, statefulSets } from '../../../openapi/generated/apps-v1.ts';
import {
  endpoints,
  nodes,
  pods as podType,
  replicationControllers,
  services,
  type Pod,
} from '../../../openapi/generated/core-v1.ts';
import { podDisruptionBudgets } from '../../../openapi/generated/policy-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';
import { withFaults, type Faults } from './faulty-client.ts';

let harness: Harness;
let random: Random;
let faults: Faults;
afterEach(() => harness.stop());

const KINDS = {
  Deployment: deployments,
  StatefulSet: statefulSets,
  DaemonSet: daemonSets,
  ReplicaSet: replicaSets,
  ReplicationController: replicationControllers,
} as const;
type Kind = keyof typeof KINDS;

interface Workload extends KubeObject {
  readonly spec: {
    replicas?: number;
    readonly selector: never;
    readonly template: { readonly spec: { readonly containers: { image: string }[] } };
  };
  readonly status: { readonly readyReplicas?: number; readonly numberReady?: number };
}

const pick = <T>(items: readonly T[]): T => items[randomInt(random, items.length)]!;
const typeOf = (kind: Kind): ResourceType<Workload> => KINDS[kind] as unknown as ResourceType<Workload>;
const isGoing = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;

async function start(seed: number): Promise<void> {
  random = new SeededRandom(`choices ${seed}`);
  faults = { random: new SeededRandom(`faults ${seed}`), percent: 10, count: 0 };
  const controllers = [
    deploymentController,
    replicaSetController,
    replicationControllerController,
    statefulSetController,
    daemonSetController,
    disruptionController,
    endpointsController,
  ].map((controller) => withFaults(controller, faults));
  harness = await startHarness([...controllers, garbageCollectorController], `workloads ${seed}`);
  for (const name of ['n1', 'n2']) {
    const node = await harness.client.create(nodes, { metadata: { name }, spec: {} });
    await harness.client.update(nodes, { ...node, spec: {} });
  }
}

/** Every workload there is, with its kind. */
async function workloads(): Promise<{ kind: Kind; object: Workload }[]> {
  const found = await Promise.all(
    (Object.keys(KINDS) as Kind[]).map(async (kind) =>
      (await harness.list(typeOf(kind)))
        // Replica sets of deployments are not the user's.
        .filter((object) => controllerOf(object) === undefined)
        .map((object) => ({ kind, object })),
    ),
  );
  return found.flat();
}

let made = 0;

async function createOne(): Promise<void> {
  const kind = pick(Object.keys(KINDS) as Kind[]);
  const name = `w${++made}`;
  const labels = { app: name };
  const selector = kind === 'ReplicationController' ? labels : { matchLabels: labels };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'image:1' }] } };
  const metadata = { name, namespace: NAMESPACE };
  const size = kind === 'DaemonSet' ? {} : { replicas: randomInt(random, 5) };
  const more =
    kind === 'StatefulSet'
      ? { serviceName: name, podManagementPolicy: pick(['OrderedReady', 'Parallel']) }
      : {};
  await harness.client.create(typeOf(kind), {
    metadata,
    spec: { selector, template, ...size, ...more },
  } as never);
  await harness.client.create(services, { metadata, spec: { selector: labels, ports: [{ port: 80 }] } });
  await harness.client.create(podDisruptionBudgets, {
    metadata,
    spec: { selector: { matchLabels: labels }, minAvailable: 1 },
  });
}

/** What users do. */
const EDITS: readonly (() => Promise<void>)[] = [
  createOne,
  async () =>
    change(({ spec }) => void (spec.replicas === undefined ? 0 : (spec.replicas = randomInt(random, 5)))),
  async () =>
    change(
      ({ spec }) => void (spec.template.spec.containers[0]!.image = `image:${1 + randomInt(random, 3)}`),
    ),
  async () => {
    const one = pick(await workloads());
    if (one === undefined || randomInt(random, 3) > 0) return;
    const propagationPolicy = pick(['Background', 'Foreground', 'Orphan'] as const);
    const { name } = one.object.metadata;
    await harness.client.delete(
      typeOf(one.kind),
      { namespace: NAMESPACE, name: name! },
      { propagationPolicy },
    );
  },
  async () => {
    const pod = pick(await harness.pods());
    if (pod !== undefined)
      await harness.client.delete(podType, { namespace: NAMESPACE, name: pod.metadata.name! });
  },
  async () => {
    const pod = pick(await harness.pods());
    if (pod === undefined || isGoing(pod)) return;
    const labels = pick([{}, pod.metadata.labels ?? {}, { app: `w${1 + randomInt(random, made)}` }]);
    await harness.change(podType, pod.metadata.name!, ({ metadata }) => void (metadata.labels = labels));
  },
  async () => {
    const pod = pick((await harness.pods()).filter(({ status }) => status.phase === 'Running'));
    if (pod !== undefined) await harness.end(pod, 'Failed');
  },
  async () => {
    if (randomInt(random, 4) === 0) await harness.restart();
  },
];

async function change(edit: (object: Workload) => void): Promise<void> {
  const one = pick(await workloads());
  if (one !== undefined) await harness.change(typeOf(one.kind), one.object.metadata.name!, edit);
}

/** Binds a pod to the node it is meant for, or to any. */
async function schedule(pod: Pod): Promise<void> {
  if ((pod.spec.nodeName ?? '') !== '') return;
  const { namespace, name } = pod.metadata;
  await harness.client.createSubresource(podType, { namespace, name: name! }, 'binding', {
    metadata: { name },
    target: { kind: 'Node', name: targetNode(pod) ?? 'n1' },
  });
}

/** One thing that a node or the scheduler does; false when there is nothing. */
async function nodeStep(): Promise<boolean> {
  const waiting = (await harness.pods()).filter((pod) => isGoing(pod) || pod.status.phase === 'Pending');
  if (waiting.length === 0) return false;
  const pod = pick(waiting);
  if (isGoing(pod)) await harness.remove(pod);
  else {
    await schedule(pod);
    await harness.setReady(pod);
    const ip = `10.0.${randomInt(random, 250)}.${randomInt(random, 250)}`;
    await harness.change(
      podType,
      pod.metadata.name!,
      ({ status }) => void Object.assign(status, { podIP: ip, podIPs: [{ ip }] }),
      'status',
    );
  }
  return true;
}

async function calmDown(): Promise<void> {
  faults.percent = 0;
  for (let steps = 0; ;) {
    await harness.settle();
    if (await nodeStep()) expect(++steps, 'steps until all is quiet').toBeLessThan(500);
    else {
      // What waits for its time comes now.
      await harness.advance(1_500_000);
      if (!(await nodeStep())) return;
    }
  }
}

function wantedPods({ kind, object }: { kind: Kind; object: Workload }): number {
  return kind === 'DaemonSet' ? 2 : (object.spec.replicas ?? 1);
}

/** Deployments select by a hash as well, stateful sets by name. */
function adoptsAnyMatch(kind: Kind): boolean {
  return kind !== 'Deployment' && kind !== 'StatefulSet';
}

/** A pod that holds a name of a stateful set without being its own keeps the set waiting, and rightly so. */
function isNamedAfter({ metadata }: Pod, set: string): boolean {
  return new RegExp(`^${set}-[0-9]+$`).test(metadata.name!);
}

/** Uid of the workload a pod is of, through its replica set if there is one between. */
async function ownersOf(): Promise<Map<string, string>> {
  const sets = await harness.list(replicaSets);
  return new Map(sets.map((set) => [set.metadata.uid!, controllerOf(set)?.uid ?? set.metadata.uid!]));
}

async function checkInvariants(): Promise<void> {
  const all = await harness.pods();
  const above = await ownersOf();
  const living = await workloads();
  const uids = new Set(living.map(({ object }) => object.metadata.uid));
  const ownerOf = (pod: Pod): string | undefined => {
    const uid = controllerOf(pod)?.uid;
    return uid === undefined ? undefined : (above.get(uid) ?? uid);
  };
  for (const pod of all) {
    const owners = (pod.metadata.ownerReferences ?? []).filter(({ controller }) => controller === true);
    expect(owners.length, `controllers of ${pod.metadata.name}`).toBeLessThanOrEqual(1);
    if (owners.length === 1)
      expect(uids, `the owner of ${pod.metadata.name} is there`).toContain(ownerOf(pod));
  }
  for (const one of living) {
    const { name, uid } = one.object.metadata;
    const selector = selectorFromLabelSelector(
      one.kind === 'ReplicationController'
        ? { matchLabels: one.object.spec.selector }
        : one.object.spec.selector,
    );
    const own = all.filter((pod) => ownerOf(pod) === uid && pod.status.phase === 'Running');
    if (one.kind === 'StatefulSet' && all.some((pod) => ownerOf(pod) !== uid && isNamedAfter(pod, name!)))
      continue;
    expect(own.length, `pods of ${one.kind} ${name}`).toBe(wantedPods(one));
    for (const pod of own)
      expect(selector.matches(pod.metadata.labels), `${pod.metadata.name} is selected`).toBe(true);
    const status = one.object.status.readyReplicas ?? one.object.status.numberReady ?? 0;
    expect(status, `ready pods in the status of ${one.kind} ${name}`).toBe(own.length);
    const strays = all.filter(
      (pod) =>
        controllerOf(pod) === undefined &&
        pod.status.phase === 'Running' &&
        selector.matches(pod.metadata.labels) &&
        adoptsAnyMatch(one.kind),
    );
    expect(
      strays.map(({ metadata }) => metadata.name),
      `pods that ${one.kind} ${name} left alone`,
    ).toEqual([]);
  }
  await checkServices(all);
}

/** Endpoints and budgets say what is true of the pods they select. */
async function checkServices(all: readonly Pod[]): Promise<void> {
  for (const { metadata, spec } of await harness.list(services)) {
    const selector = selectorFromLabelSelector({ matchLabels: spec.selector });
    const ready = all
      .filter((pod) => pod.status.phase === 'Running' && selector.matches(pod.metadata.labels))
      .map((pod) => pod.metadata.name!)
      .sort();
    const { subsets } = await harness.get(endpoints, metadata.name!);
    const listed = (subsets ?? []).flatMap(({ addresses = [] }) =>
      addresses.map(({ targetRef }) => targetRef!.name!),
    );
    expect(listed.sort(), `endpoints of ${metadata.name}`).toEqual(ready);
    const { status } = await harness.get(podDisruptionBudgets, metadata.name!);
    expect(status.currentHealthy, `healthy pods of the budget ${metadata.name}`).toBe(ready.length);
  }
}

it.each(Array.from({ length: 20 }, (_, seed) => ({ seed })))(
  'seed $seed',
  { timeout: 120_000 },
  async ({ seed }) => {
    await start(seed);
    made = 0;
    for (let i = 0; i < 3; i++) await createOne();
    for (let round = 0; round < 60; round++) {
      if (randomInt(random, 3) === 0) {
        // A user who comes too late tries no further.
        await pick(EDITS)().catch((error: { code?: number }) =>
          expect([404, 409, 422]).toContain(error.code),
        );
      }
      if (randomInt(random, 3) > 0) await nodeStep();
      if (randomInt(random, 2) === 0) await harness.advance(randomInt(random, 5_000));
    }
    await calmDown();
    await checkInvariants();
  },
);
