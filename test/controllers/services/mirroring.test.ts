import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpointSliceMirroringController } from '../../../controllers/endpointslice-mirroring/endpointslice-mirroring-controller.ts';
import { endpoints, services, type EndpointSubset } from '../../../openapi/generated/core-v1.ts';
import { endpointSlices } from '../../../openapi/generated/discovery-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';
import { Network } from './fixture.ts';

let harness: Harness;
let network: Network;
beforeEach(async () => {
  harness = await startHarness([endpointSliceMirroringController], 'mirror');
  network = new Network(harness);
  await network.service('web', { selector: undefined });
});
afterEach(() => harness.stop());

async function write(subsets: EndpointSubset[], metadata: object = {}): Promise<void> {
  await harness.client.create(endpoints, {
    metadata: { name: 'web', namespace: NAMESPACE, ...metadata },
    subsets,
  });
  await harness.settle();
}

const port = { name: 'http', port: 80, protocol: 'TCP' };

describe('the slices of Endpoints', () => {
  it('are one for each family and set of ports, and have labels and annotations of theirs', async () => {
    const applied = 'kubectl.kubernetes.io/last-applied-configuration';
    await write(
      [
        { addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }], ports: [port] },
        { notReadyAddresses: [{ ip: '192.0.2.2' }], ports: [{ ...port, port: 81 }] },
      ],
      { labels: { a: 'b' }, annotations: { note: 'x', [applied]: '{}' } },
    );
    const slices = await network.slices('web');
    expect(slices).toHaveLength(3);
    for (const { metadata } of slices) {
      expect(metadata).toMatchObject({ labels: { a: 'b' }, annotations: { note: 'x' } });
      expect(metadata.annotations).not.toHaveProperty([applied]);
      expect(metadata.ownerReferences).toMatchObject([{ kind: 'Endpoints', name: 'web', controller: true }]);
    }
    expect(slices.map(({ addressType }) => addressType)).toEqual(['IPv4', 'IPv4', 'IPv6']);
  });

  it('take over what others no longer need', async () => {
    await write([{ addresses: [{ ip: '192.0.2.1' }], ports: [port] }]);
    const [before] = await network.slices('web');
    await harness.change(endpoints, 'web', (object) => {
      object.subsets = [{ addresses: [{ ip: '192.0.2.9' }], ports: [{ ...port, port: 99 }] }];
    });
    await harness.settle();
    const [after, ...more] = await network.slices('web');
    expect(more).toEqual([]);
    expect(after!.metadata.uid).toBe(before!.metadata.uid);
    expect(after).toMatchObject({ endpoints: [{ addresses: ['192.0.2.9'] }], ports: [{ port: 99 }] });
  });

  it('have a thousand addresses of a subset at most, and an event tells of the rest', async () => {
    const addresses = Array.from({ length: 1002 }, (_, i) => ({ ip: `192.0.${i >> 8}.${i & 255}` }));
    await write([{ addresses, ports: [port] }]);
    expect(await network.endpoints('web')).toHaveLength(1000);
    expect(await harness.events()).toEqual([
      'Warning TooManyAddressesToMirror A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 2 addresses were skipped',
    ]);
  });

  it.each([
    { name: 'the service gets a selector', body: { spec: { selector: { app: 'web' } } } },
    { name: 'the service goes', body: undefined },
  ])('go when $name', async ({ body }) => {
    await write([{ addresses: [{ ip: '192.0.2.1' }], ports: [port] }]);
    expect(await network.slices('web')).toHaveLength(1);
    if (body === undefined) {
      await harness.client.delete(services, { namespace: NAMESPACE, name: 'web' });
      await harness.settle();
    } else await network.patchService('web', body);
    expect(await network.slices('web')).toEqual([]);
  });

  it('are put right when somebody changes them', async () => {
    await write([{ addresses: [{ ip: '192.0.2.1' }], ports: [port] }]);
    const [slice] = await network.slices('web');
    await harness.client.delete(endpointSlices, { namespace: NAMESPACE, name: slice!.metadata.name! });
    await harness.settle();
    expect(await network.endpoints('web')).toMatchObject([{ addresses: ['192.0.2.1'] }]);
  });
});
