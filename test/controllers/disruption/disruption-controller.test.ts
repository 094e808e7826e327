import { afterEach, describe, expect, it } from 'vitest';
import { formatTime } from '../../../api/machinery/clock.ts';
import { deploymentController } from '../../../controllers/deployment/deployment-controller.ts';
import { disruptionController } from '../../../controllers/disruption/disruption-controller.ts';
import { replicaSetController } from '../../../controllers/replicaset/replicaset-controller.ts';
import { daemonSets, deployments, replicaSets } from '../../../openapi/generated/apps-v1.ts';
import { pods, type Pod } from '../../../openapi/generated/core-v1.ts';
import { podDisruptionBudgets, type PodDisruptionBudget } from '../../../openapi/generated/policy-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

const REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget.";
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'image:1' }] } };

async function start(): Promise<void> {
  harness = await startHarness([disruptionController, deploymentController, replicaSetController]);
}

async function deploy(replicas: number, ready: number): Promise<void> {
  await harness.client.create(deployments, {
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: { replicas, selector: { matchLabels: labels }, template },
  });
  await harness.settle();
  for (const pod of (await harness.pods()).slice(0, ready)) {
    await harness.bind(pod);
    await harness.setReady(pod);
  }
  await harness.settle();
}

async function budget(spec: Partial<PodDisruptionBudget['spec']>): Promise<void> {
  await harness.client.create(podDisruptionBudgets, {
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: { selector: { matchLabels: labels }, ...spec },
  });
  await harness.settle();
}

const status = async (): Promise<PodDisruptionBudget['status']> =>
  (await harness.get(podDisruptionBudgets, 'web')).status;
const counts = async (): Promise<number[]> => {
  const { expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed } = await status();
  return [expectedPods!, desiredHealthy!, currentHealthy!, disruptionsAllowed!];
};

async function evict(pod: Pod): Promise<void> {
  const { name } = pod.metadata;
  await harness.client.createSubresource(pods, { namespace: NAMESPACE, name: name! }, 'eviction', {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace: NAMESPACE },
  });
  await harness.settle();
}

describe('a budget', () => {
  it.each([
    { spec: { minAvailable: 3 }, replicas: 4, ready: 4, want: [4, 3, 4, 1] },
    { spec: { minAvailable: 3 }, replicas: 4, ready: 2, want: [4, 3, 2, 0] },
    { spec: { minAvailable: '50%' }, replicas: 5, ready: 5, want: [5, 3, 5, 2] },
    { spec: { maxUnavailable: 1 }, replicas: 4, ready: 4, want: [4, 3, 4, 1] },
    { spec: { maxUnavailable: 1 }, replicas: 4, ready: 3, want: [4, 3, 3, 0] },
    { spec: { maxUnavailable: '30%' }, replicas: 5, ready: 5, want: [5, 3, 5, 2] },
    { spec: { maxUnavailable: '100%' }, replicas: 2, ready: 1, want: [2, 0, 1, 1] },
  ])('of $spec with $ready of $replicas ready', async ({ spec, replicas, ready, want }) => {
    await start();
    await deploy(replicas, ready);
    await budget(spec);
    expect(await counts()).toEqual(want);
    const allows = want[3]! > 0;
    expect((await status()).conditions).toEqual([
      {
        type: 'DisruptionAllowed',
        status: allows ? 'True' : 'False',
        observedGeneration: 1,
        lastTransitionTime: '2026-01-01T00:00:00Z',
        reason: allows ? 'SufficientPods' : 'InsufficientPods',
        message: '',
      },
    ]);
    expect(harness.logs).toEqual([]);
  });

  it('follows pods and size', async () => {
    await start();
    await deploy(3, 3);
    await budget({ maxUnavailable: 1 });
    const [pod] = await harness.pods();
    await harness.setReady(pod!, false);
    await harness.settle();
    expect(await counts()).toEqual([3, 2, 2, 0]);
    await harness.setReady(pod!);
    await harness.settle();
    expect(await counts()).toEqual([3, 2, 3, 1]);
    await harness.change(podDisruptionBudgets, 'web', ({ spec }) => void (spec.maxUnavailable = 2));
    await harness.settle();
    expect(await counts()).toEqual([3, 1, 3, 2]);
    expect((await status()).observedGeneration).toBe(2);
  });

  it('without pods allows nothing, and says so', async () => {
    await start();
    await budget({ minAvailable: 0 });
    expect(await counts()).toEqual([0, 0, 0, 0]);
    expect(await harness.events()).toEqual(['Normal NoPods No matching pods found']);
  });

  it('of pods whose controller has no scale fails, and allows nothing', async () => {
    await start();
    const daemonSet = await harness.client.create(daemonSets, {
      metadata: { name: 'agent', namespace: NAMESPACE },
      spec: { selector: { matchLabels: labels }, template },
    });
    await harness.client.create(pods, {
      metadata: {
        name: 'agent-1',
        namespace: NAMESPACE,
        labels,
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'DaemonSet',
            name: 'agent',
            uid: daemonSet.metadata.uid!,
            controller: true,
          },
        ],
      },
      spec: template.spec,
    });
    await budget({ maxUnavailable: 1 });
    expect((await status()).conditions).toMatchObject([
      {
        status: 'False',
        reason: 'SyncFailed',
        message: 'daemonsets.apps does not implement the scale subresource',
      },
    ]);
    expect(await harness.events()).toContain(
      'Warning CalculateExpectedPodCountFailed Failed to calculate the number of expected pods: daemonsets.apps does not implement the scale subresource',
    );
  });

  it.each([
    {
      owner: 'a daemon set that is gone',
      reference: { apiVersion: 'apps/v1', kind: 'DaemonSet' },
      message: 'daemonsets.apps does not implement the scale subresource',
    },
    {
      owner: 'a replica set that is gone',
      reference: { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
      message: 'found no controllers for pod "lone"',
    },
    {
      owner: 'a kind that nobody knows',
      reference: { apiVersion: 'example.com/v1', kind: 'Fleet' },
      message: 'no matches for kind "Fleet" in version "example.com/v1"',
    },
  ])('of a pod of $owner fails', async ({ reference, message }) => {
    await start();
    const owner = { ...reference, name: 'gone', uid: 'gone', controller: true };
    await harness.client.create(pods, {
      metadata: { name: 'lone', namespace: NAMESPACE, labels, ownerReferences: [owner] },
      spec: template.spec,
    });
    await budget({ maxUnavailable: 1 });
    expect((await status()).conditions).toMatchObject([{ status: 'False', reason: 'SyncFailed', message }]);
  });

  it('counts a replica set by itself when its deployment is gone', async () => {
    await start();
    await deploy(2, 2);
    await harness.client.delete(
      deployments,
      { namespace: NAMESPACE, name: 'web' },
      { propagationPolicy: 'Background' },
    );
    await harness.settle();
    await budget({ maxUnavailable: 1 });
    expect(await counts()).toEqual([2, 1, 2, 1]);
  });

  it('of pods without a controller warns', async () => {
    await start();
    await harness.client.create(pods, {
      metadata: { name: 'lone', namespace: NAMESPACE, labels },
      spec: template.spec,
    });
    await budget({ maxUnavailable: 1 });
    expect((await harness.events())[0]).toContain(
      'Warning UnmanagedPods Pods selected by this PodDisruptionBudget (selector: ' +
        '&LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},}) were found to be unmanaged.',
    );
  });

  it('counts a replica set of no deployment by itself', async () => {
    await start();
    await harness.client.create(replicaSets, {
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    });
    await harness.settle();
    await budget({ maxUnavailable: 1 });
    expect(await counts()).toEqual([2, 1, 0, 0]);
  });
});

describe('an eviction', () => {
  it('is counted until its pod goes, and given up after two minutes', async () => {
    await start();
    await deploy(3, 3);
    await budget({ minAvailable: 2 });
    const [first, second] = await harness.pods();
    await harness.change(
      podDisruptionBudgets,
      'web',
      (object) => {
        object.status.disruptionsAllowed = 0;
        object.status.disruptedPods = { [first!.metadata.name!]: formatTime(harness.clock.now()) };
      },
      'status',
    );
    await harness.settle();
    expect(await counts()).toEqual([3, 2, 2, 0]);
    await expect(evict(second!)).rejects.toThrow(REFUSAL);
    await harness.advance(120_001);
    expect(await counts()).toEqual([3, 2, 3, 1]);
    expect((await status()).disruptedPods).toBeUndefined();
    expect((await harness.events()).some((event) => event.startsWith('Warning NotDeleted '))).toBe(true);
  });

  it('is refused when the budget is spent, and allowed again when a new pod is ready', async () => {
    await start();
    await deploy(3, 3);
    await budget({ minAvailable: 2 });
    const [first, second] = await harness.pods();
    await evict(first!);
    expect(await counts()).toEqual([4, 2, 2, 0]);
    await expect(evict(second!)).rejects.toThrow(REFUSAL);
    await harness.remove(first!);
    const fresh = (await harness.pods()).find(({ status: { phase } }) => phase === 'Pending')!;
    await harness.bind(fresh);
    await harness.setReady(fresh);
    await harness.settle();
    expect(await counts()).toEqual([3, 2, 3, 1]);
    await evict(second!);
  });
});

it('takes back what is said of a pod that did not go', async () => {
  await start();
  await deploy(1, 1);
  const [pod] = await harness.pods();
  const name = pod!.metadata.name!;
  await harness.change(
    pods,
    name,
    ({ status: podStatus }) =>
      void podStatus.conditions!.push({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'EvictionByEvictionAPI',
        message: 'Eviction API: evicting',
        lastTransitionTime: formatTime(harness.clock.now()),
      }),
    'status',
  );
  const value = async (): Promise<string | undefined> =>
    (await harness.get(pods, name)).status.conditions!.find(({ type }) => type === 'DisruptionTarget')
      ?.status;
  await harness.advance(119_999);
  expect(await value()).toBe('True');
  await harness.advance(1);
  expect(await value()).toBe('False');
});
