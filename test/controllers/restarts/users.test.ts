/**
 * Users do what they like to a whole cluster, whose process dies now and then, whose writes fail or whose news is late. Once
 * all is quiet, everything belongs together. A seed that fails fails again; `KUBEMU_SEEDS` sets how many there are.
 */
import { describe, expect, it } from 'vitest';
import type { ResourceType } from '../../../api/machinery/client.ts';
import { selectorFromLabelSelector } from '../../../api/machinery/labels.ts';
import { controllerOf, type KubeObject } from '../../../api/machinery/object-meta.ts';
import { randomInt, SeededRandom, type Random } from '../../../api/machinery/random.ts';
import { deployments, replicaSets, statefulSets } from '../../../openapi/generated/apps-v1.ts';
import { jobs } from '../../../openapi/generated/batch-v1.ts';
import {
  endpoints,
  nodes,
  pods,
  resourceQuotas,
  services,
  type Pod,
} from '../../../openapi/generated/core-v1.ts';
import { ipAddresses } from '../../../openapi/generated/networking-v1.ts';
import { podDisruptionBudgets } from '../../../openapi/generated/policy-v1.ts';
import { play, type Stage, type Trouble } from './scenario.ts';
import { setImage, template, workload } from './scenarios/objects.ts';

const SEEDS = Number(process.env['KUBEMU_SEEDS'] ?? '4');
const STEPS = 25;
const KINDS = [deployments, replicaSets, statefulSets] as readonly ResourceType<KubeObject>[];

class Users {
  readonly #stage: Stage;
  readonly #random: Random;
  #made = 0;

  constructor(stage: Stage, random: Random) {
    this.#stage = stage;
    this.#random = random;
  }

  /** One thing that a user does; one who comes too late tries no further. */
  async act(): Promise<void> {
    await this.#pick(this.#acts)().catch((error: Error & { code?: number }) =>
      expect([404, 409, 422, 429], error.message).toContain(error.code),
    );
  }

  #pick<T>(items: readonly T[]): T {
    return items[randomInt(this.#random, items.length)]!;
  }

  async #workload(): Promise<[ResourceType<KubeObject>, string]> {
    const type = this.#pick(KINDS);
    const own = (await this.#stage.list(type)).filter((object) => controllerOf(object) === undefined);
    return [type, this.#pick(own)?.metadata.name ?? 'none'];
  }

  async #podName(): Promise<string> {
    return this.#pick(await this.#stage.pods())?.metadata.name ?? 'none';
  }

  readonly #create = async (): Promise<void> => {
    const name = `w${++this.#made}`;
    const selector = { matchLabels: { app: name } };
    const spec = workload(name, randomInt(this.#random, 4), {});
    const type = this.#pick(KINDS);
    await this.#stage.make(
      type,
      name,
      type === statefulSets ? { spec: { ...spec.spec, serviceName: name } } : spec,
    );
    await this.#stage.make(services, name, { spec: { selector: { app: name }, ports: [{ port: 80 }] } });
    await this.#stage.make(podDisruptionBudgets, name, { spec: { selector, minAvailable: 1 } });
  };

  readonly #acts: readonly (() => Promise<unknown>)[] = [
    this.#create,
    this.#create,
    async () => {
      const [type, name] = await this.#workload();
      const replicas = randomInt(this.#random, 4);
      return this.#stage.change(type, name, (object) =>
        Object.assign((object as { spec?: object }).spec!, { replicas }),
      );
    },
    async () => {
      const [type, name] = await this.#workload();
      return setImage(type, name, `nginx:${1 + randomInt(this.#random, 3)}`)(this.#stage);
    },
    async () => {
      const [type, name] = await this.#workload();
      const propagationPolicy = this.#pick(['Background', 'Foreground', 'Orphan'] as const);
      return this.#stage.remove(type, name, { propagationPolicy });
    },
    async () => this.#stage.remove(pods, await this.#podName()),
    async () => {
      const labels = this.#pick<Record<string, string>>([{}, { app: `w${1 + randomInt(this.#random, 5)}` }]);
      return this.#stage.change(
        pods,
        await this.#podName(),
        ({ metadata }) => void (metadata.labels = labels),
      );
    },
    async () => {
      const name = await this.#podName();
      const body = { metadata: { name, namespace: 'default' } };
      return this.#stage.client.createSubresource(pods, { name, namespace: 'default' }, 'eviction', body);
    },
    async () => {
      const body = { spec: { unschedulable: this.#pick([true, null]) } };
      return this.#stage.client.patch(nodes, { name: 'node-2' }, { type: 'merge', body });
    },
    async () => this.#stage.remove(nodes, 'node-2'),
    async () => {
      const name = `w${1 + randomInt(this.#random, 5)}`;
      const app = `w${1 + randomInt(this.#random, 5)}`;
      return this.#stage.change(services, name, ({ spec }) => void (spec.selector = { app }));
    },
    async () => {
      const command = [this.#pick(['true', 'false'])];
      const job = template('job', 'busybox:1', { restartPolicy: 'Never' }, { command });
      return this.#stage.make(jobs, `j${++this.#made}`, { spec: { backoffLimit: 1, template: job } });
    },
    async () => {
      const hard = {
        pods: String(30 + randomInt(this.#random, 9)),
        services: '40',
        'count/jobs.batch': '40',
      };
      return this.#stage.change(resourceQuotas, 'all', ({ spec }) => void (spec.hard = hard));
    },
  ];
}

const isLive = ({ status }: Pod): boolean => status.phase !== 'Succeeded' && status.phase !== 'Failed';

async function checkOwners(stage: Stage): Promise<void> {
  const uids = new Set<string>();
  const all: KubeObject[] = [];
  for (const resource of stage.client.resources(['list', 'watch'])) {
    if (resource.resource === 'events' || resource.group === 'metrics.k8s.io') continue;
    all.push(...(await stage.client.list(resource)).items);
  }
  for (const { metadata } of all) uids.add(metadata.uid!);
  for (const { metadata } of all) {
    expect(metadata.deletionTimestamp, `${metadata.name} is on its way out`).toBeUndefined();
    const owners = metadata.ownerReferences ?? [];
    expect(owners.filter(({ controller }) => controller === true).length).toBeLessThanOrEqual(1);
    for (const { uid, name } of owners) expect(uids, `${name} owns ${metadata.name}`).toContain(uid);
  }
}

async function checkWorkloads(stage: Stage, all: readonly Pod[]): Promise<void> {
  for (const type of KINDS)
    for (const object of await stage.list(type)) {
      const { spec, status, metadata } = object as KubeObject & {
        spec: { replicas: number };
        status: { readyReplicas?: number };
      };
      // A pod that holds the name of another keeps a stateful set waiting, and rightly so.
      const isTaken = (pod: Pod): boolean =>
        new RegExp(`^${metadata.name}-[0-9]+$`).test(pod.metadata.name!) &&
        controllerOf(pod)?.uid !== metadata.uid;
      if (type === statefulSets && all.some(isTaken)) continue;
      expect(status.readyReplicas ?? 0, `${type.kind} ${metadata.name}`).toBe(spec.replicas);
      if (type === deployments) continue;
      const own = all.filter((pod) => controllerOf(pod)?.uid === metadata.uid && isLive(pod));
      expect(own.length, `pods of ${type.kind} ${metadata.name}`).toBe(spec.replicas);
    }
  for (const { status, metadata } of await stage.list(jobs))
    expect(status.conditions?.at(-1)?.type, `end of ${metadata.name}`).toMatch(/^(Complete|Failed)$/);
}

async function checkServices(stage: Stage, all: readonly Pod[]): Promise<void> {
  const list = await stage.list(services);
  for (const { metadata, spec } of list) {
    const selector = selectorFromLabelSelector({ matchLabels: spec.selector });
    const ready = all.filter(
      (pod) => pod.status.phase === 'Running' && selector.matches(pod.metadata.labels),
    );
    const { subsets = [] } = await stage.get(endpoints, metadata.name!);
    const listed = subsets.flatMap(({ addresses = [] }) => addresses.map(({ targetRef }) => targetRef!.uid));
    const expected = ready.map((pod) => pod.metadata.uid);
    expect(new Set(listed), `endpoints of ${metadata.name}`).toEqual(new Set(expected));
  }
  const addresses = (await stage.client.list(ipAddresses)).items.map(({ metadata }) => metadata.name);
  expect(new Set(addresses)).toEqual(new Set(list.map(({ spec }) => spec.clusterIP)));
  for (const { metadata, spec, status } of await stage.list(podDisruptionBudgets)) {
    const selector = selectorFromLabelSelector(spec.selector);
    const healthy = all.filter(
      (pod) => pod.status.phase === 'Running' && selector.matches(pod.metadata.labels),
    );
    expect(status.currentHealthy, `healthy pods of the budget ${metadata.name}`).toBe(healthy.length);
  }
}

async function checkAll(stage: Stage): Promise<void> {
  const all = await stage.pods();
  await checkOwners(stage);
  await checkWorkloads(stage, all);
  await checkServices(stage, all);
  const known = new Set((await stage.client.list(nodes)).items.map(({ metadata }) => metadata.name));
  for (const { spec } of all) if (spec.nodeName !== undefined) expect(known).toContain(spec.nodeName);
  expect((await stage.get(resourceQuotas, 'all')).status?.used).toEqual({
    pods: String(all.filter(isLive).length),
    services: String((await stage.list(services)).length),
    'count/jobs.batch': String((await stage.list(jobs)).length),
  });
}

const TROUBLES: readonly ((seed: number) => Trouble)[] = [
  (seed) => ({ type: 'failing', seed }),
  (seed) => ({ type: 'late', seed }),
  (seed) => ({ type: 'restart', after: 40 * (seed + 1) }),
];

describe.each(Array.from({ length: SEEDS }, (_, seed) => ({ seed })))('seed $seed', ({ seed }) => {
  it.each(TROUBLES.map((trouble) => trouble(seed)))('$type', { timeout: 120_000 }, async (trouble) => {
    let users: Users | undefined;
    const random = new SeededRandom(`users ${seed}`);
    const hard = { pods: '30', services: '40', 'count/jobs.batch': '40' };
    await play(
      {
        name: `users ${seed}`,
        of: [],
        nodes: 2,
        stepMs: 3000,
        steps: [
          (stage) => stage.make(resourceQuotas, 'all', { spec: { hard } }),
          ...Array.from(
            { length: STEPS },
            () => (stage: Stage) => (users ??= new Users(stage, random)).act(),
          ),
          (stage) =>
            stage.client
              .patch(nodes, { name: 'node-2' }, { type: 'merge', body: { spec: { unschedulable: null } } })
              .catch(() => undefined),
          (stage) => stage.advance(600_000),
        ],
        check: checkAll,
      },
      trouble,
      { isAlwaysChecked: true },
    );
  });
});
