import { afterEach, beforeEach, expect, it } from 'vitest';
import { resourceClaimController } from '../../../controllers/resource-claim/resource-claim-controller.ts';
import { pods, type Pod } from '../../../openapi/generated/core-v1.ts';
import { resourceClaims, resourceClaimTemplates } from '../../../openapi/generated/resource-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([resourceClaimController]);
});
afterEach(() => harness.stop());

const devices = { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] };

async function template(): Promise<void> {
  await harness.client.create(resourceClaimTemplates, {
    metadata: { name: 'gpus', namespace: NAMESPACE },
    spec: { metadata: { labels: { a: 'b' } }, spec: { devices } },
  });
  await harness.settle();
}

const PROTECTION = 'resource.kubernetes.io/delete-protection';

async function claim(name: string, finalizers = [PROTECTION]): Promise<void> {
  await harness.client.create(resourceClaims, {
    metadata: { name, namespace: NAMESPACE, finalizers },
    spec: { devices },
  });
}

const user = ({ metadata }: Pod) => ({ resource: 'pods', name: metadata.name!, uid: metadata.uid! });

/** What the scheduler does. */
async function allocate(name: string, ...users: Pod[]): Promise<void> {
  await harness.change(
    resourceClaims,
    name,
    (object) => {
      const results = [{ request: 'gpu', driver: 'example.com', pool: 'p', device: 'd' }];
      object.status = { allocation: { devices: { results } }, reservedFor: users.map(user) };
    },
    'status',
  );
  await harness.settle();
}

async function pod(name: string, claim: object): Promise<Pod> {
  const made = await harness.client.create(pods, {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      containers: [{ name: 'main', image: 'app:1', resources: { claims: [{ name: 'gpu' }] } }],
      resourceClaims: [{ name: 'gpu', ...claim }],
    },
  });
  await harness.settle();
  return made;
}

it('makes a claim from a template, tells the pod its name, and removes it when the pod ends', async () => {
  const made = await pod('worker', { resourceClaimTemplateName: 'gpus' });
  expect(await harness.events()).toEqual([
    'Warning FailedResourceClaimCreation PodResourceClaim gpu: resource claim template "gpus": resourceclaimtemplate.resource.k8s.io "gpus" not found',
  ]);
  await template();
  const [claim] = await harness.list(resourceClaims);
  expect(claim).toMatchObject({
    metadata: {
      labels: { a: 'b' },
      annotations: { 'resource.kubernetes.io/pod-claim-name': 'gpu' },
      ownerReferences: [{ kind: 'Pod', name: 'worker', uid: made.metadata.uid, controller: true }],
    },
    spec: { devices: { requests: [{ name: 'gpu' }] } },
  });
  expect(claim!.metadata.name).toMatch(/^worker-gpu-/);
  const { metadata, status } = await harness.get(pods, 'worker');
  expect(status.resourceClaimStatuses).toEqual([{ name: 'gpu', resourceClaimName: claim!.metadata.name }]);
  expect(metadata.managedFields).toContainEqual(
    expect.objectContaining({
      manager: 'ResourceClaimController',
      operation: 'Apply',
      subresource: 'status',
    }),
  );
  await harness.end(await harness.get(pods, 'worker'), 'Succeeded');
  await harness.settle();
  expect(await harness.list(resourceClaims)).toEqual([]);
});

it('frees a shared claim of pods that are gone, and its devices with the last of them', async () => {
  await claim('shared');
  const first = await pod('first', { resourceClaimName: 'shared' });
  const second = await pod('second', { resourceClaimName: 'shared' });
  await allocate('shared', first, second);
  await harness.remove(first);
  await harness.settle();
  const shared = async () => (await harness.get(resourceClaims, 'shared')).status;
  expect((await shared())?.reservedFor).toEqual([user(second)]);
  expect((await shared())?.allocation).toBeDefined();
  await harness.remove(second);
  await harness.settle();
  expect(await shared()).toEqual({});
  expect((await harness.get(resourceClaims, 'shared')).metadata.finalizers).toBeUndefined();
});

it('leaves the allocation of a claim that something else allocated', async () => {
  await claim('theirs', []);
  const made = await pod('worker', { resourceClaimName: 'theirs' });
  await allocate('theirs', made);
  await harness.remove(made);
  await harness.settle();
  const { status } = await harness.get(resourceClaims, 'theirs');
  expect(status.reservedFor).toBeUndefined();
  expect(status.allocation).toBeDefined();
});

it('lets a claim go that is deleted once nobody uses it', async () => {
  await claim('shared');
  const made = await pod('worker', { resourceClaimName: 'shared' });
  await allocate('shared', made);
  await harness.client.delete(resourceClaims, { namespace: NAMESPACE, name: 'shared' });
  await harness.settle();
  expect(await harness.list(resourceClaims)).toHaveLength(1);
  await harness.end(made, 'Succeeded');
  await harness.settle();
  expect(await harness.list(resourceClaims)).toEqual([]);
});

it('reserves an allocated claim for a pod that was put on a node past the scheduler', async () => {
  await claim('shared');
  const made = await pod('worker', { resourceClaimName: 'shared' });
  await allocate('shared');
  await harness.bind(made);
  await harness.settle();
  expect((await harness.get(resourceClaims, 'shared')).status.reservedFor).toEqual([user(made)]);
});

it('makes a claim anew that was deleted before the pod ran', async () => {
  await template();
  await pod('worker', { resourceClaimTemplateName: 'gpus' });
  const [first] = await harness.list(resourceClaims);
  await harness.client.delete(resourceClaims, { namespace: NAMESPACE, name: first!.metadata.name! });
  await harness.settle();
  const [second] = await harness.list(resourceClaims);
  expect(second!.metadata.name).not.toBe(first!.metadata.name);
  const { status } = await harness.get(pods, 'worker');
  expect(status.resourceClaimStatuses).toEqual([{ name: 'gpu', resourceClaimName: second!.metadata.name }]);
});

it('shortens the names of pod and claim alike when they are long', async () => {
  await template();
  await pod('w'.repeat(100), { resourceClaimTemplateName: 'gpus' });
  const [made] = await harness.list(resourceClaims);
  expect(made!.metadata.generateName).toBe(`${'w'.repeat(54)}-g`);
});

it('frees the claim of extended resources when its pod ends', async () => {
  const made = await harness.client.create(pods, {
    metadata: { name: 'worker', namespace: NAMESPACE },
    spec: {
      containers: [{ name: 'main', image: 'app:1', resources: { limits: { 'example.com/gpu': '1' } } }],
    },
  });
  const { name, uid } = made.metadata;
  await harness.client.create(resourceClaims, {
    metadata: {
      name: 'extended',
      namespace: NAMESPACE,
      finalizers: [PROTECTION],
      annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: name!, uid: uid!, controller: true }],
    },
    spec: { devices },
  });
  await allocate('extended', made);
  const told = await harness.change(
    pods,
    'worker',
    ({ status }) => {
      const mapping = { containerName: 'main', resourceName: 'example.com/gpu', requestName: 'gpu' };
      status.extendedResourceClaimStatus = { requestMappings: [mapping], resourceClaimName: 'extended' };
    },
    'status',
  );
  await harness.end(told, 'Succeeded');
  await harness.settle();
  expect(await harness.list(resourceClaims)).toEqual([]);
});
