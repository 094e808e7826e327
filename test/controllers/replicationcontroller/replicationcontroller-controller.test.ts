/** The code is that of replica sets, tested there: here is what differs. */
import { afterEach, expect, it } from 'vitest';
import { replicationControllerController } from '../../../controllers/replicationcontroller/replicationcontroller-controller.ts';
import { replicationControllers } from '../../../openapi/generated/core-v1.ts';
import { pods } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image: 'image:1' }] },
};

it('keeps its pods by the labels of its template, and counts none on their way out', async () => {
  harness = await startHarness([replicationControllerController]);
  await harness.client.create(pods, {
    metadata: { name: 'lone', namespace: NAMESPACE, labels: { app: 'web' } },
    spec: template.spec,
  });
  await harness.client.create(replicationControllers, {
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: { replicas: 3, template },
  });
  await harness.settle();
  const all = await harness.pods();
  expect(all).toHaveLength(3);
  const { metadata, status } = await harness.get(replicationControllers, 'web');
  expect(all.map((pod) => pod.metadata.ownerReferences)).toEqual(
    Array<unknown>(3).fill([
      {
        apiVersion: 'v1',
        kind: 'ReplicationController',
        name: 'web',
        uid: metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]),
  );
  expect(status).toEqual({ replicas: 3, fullyLabeledReplicas: 3, observedGeneration: 1 });
  await harness.bind(all[0]!);
  await harness.client.patch(
    replicationControllers,
    { namespace: NAMESPACE, name: 'web' },
    { type: 'merge', body: { spec: { replicas: 0 } } },
    { subresource: 'scale' },
  );
  await harness.settle();
  expect((await harness.get(replicationControllers, 'web')).status).toEqual({
    replicas: 0,
    observedGeneration: 2,
  });
  const events = await harness.events();
  expect(
    events.filter((event) => event.startsWith('Normal SuccessfulCreate Created pod: web-')),
  ).toHaveLength(2);
  expect(events.filter((event) => event.startsWith('Normal SuccessfulDelete Deleted pod: '))).toHaveLength(3);
  expect(harness.logs).toEqual([]);
});
