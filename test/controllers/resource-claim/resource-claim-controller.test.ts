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
    'Warning FailedResourceClaimCreation PodResourceClaim gpu: resourceclaimtemplates.resource.k8s.io "gpus" not found',
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
  const { status } = await harness.get(pods, 'worker');
  expect(status.resourceClaimStatuses).toEqual([{ name: 'gpu', resourceClaimName: claim!.metadata.name }]);
  await harness.end(await harness.get(pods, 'worker'), 'Succeeded');
  await harness.settle();
  expect(await harness.list(resourceClaims)).toEqual([]);
});

it('frees a shared claim of pods that are gone, and its devices with the last of them', async () => {
  await harness.client.create(resourceClaims, {
    metadata: { name: 'shared', namespace: NAMESPACE },
    spec: { devices },
  });
  const first = await pod('first', { resourceClaimName: 'shared' });
  const second = await pod('second', { resourceClaimName: 'shared' });
  const user = ({ metadata }: Pod) => ({ resource: 'pods', name: metadata.name!, uid: metadata.uid! });
  await harness.change(
    resourceClaims,
    'shared',
    (claim) => {
      const results = [{ request: 'gpu', driver: 'example.com', pool: 'p', device: 'd' }];
      claim.status = { allocation: { devices: { results } }, reservedFor: [user(first), user(second)] };
    },
    'status',
  );
  await harness.remove(first);
  await harness.settle();
  const shared = async () => (await harness.get(resourceClaims, 'shared')).status;
  expect((await shared())?.reservedFor).toEqual([user(second)]);
  expect((await shared())?.allocation).toBeDefined();
  await harness.remove(second);
  await harness.settle();
  expect(await shared()).toEqual({});
});
