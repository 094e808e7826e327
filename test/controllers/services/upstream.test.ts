import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { endpointSliceMirroringController } from '../../../controllers/endpointslice-mirroring/endpointslice-mirroring-controller.ts';
import { endpointSliceController } from '../../../controllers/endpointslice/endpointslice-controller.ts';
import { endpointsController } from '../../../controllers/endpoints/endpoints-controller.ts';
import type { KubeObject } from '../../../api/machinery/object-meta.ts';
import {
  endpoints,
  nodes,
  pods,
  type Endpoints,
  type EndpointSubset,
} from '../../../openapi/generated/core-v1.ts';
import { endpointSlices, type EndpointSlice } from '../../../openapi/generated/discovery-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';
import { Network } from './fixture.ts';

type View = Readonly<Record<string, unknown>>;

interface Step {
  readonly step: string;
  /** What changed in this step, by name of the service; null for what went. */
  readonly endpoints?: Readonly<Record<string, unknown>>;
  readonly slices?: Readonly<Record<string, unknown>>;
  readonly events?: readonly string[];
}

// What kube-controller-manager 1.36.2 made of the script below, run against kubemu without controllers.
const GOLDEN = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../golden/endpoints/kube-controller-manager.json'), 'utf8'),
) as readonly Step[];

let harness: Harness;
let network: Network;
beforeAll(async () => {
  const controllers = [endpointsController, endpointSliceController, endpointSliceMirroringController];
  harness = await startHarness(controllers, 'upstream', { serviceRanges: '10.96.0.0/16,fd00:10:96::/112' });
  network = new Network(harness);
});
afterAll(() => harness.stop());

const AUTO = 'service.kubernetes.io/topology-mode';

const SCRIPT: Readonly<Record<string, () => Promise<void>>> = {
  empty: async () => {
    await network.node('n1', 'a');
    await network.node('n2', 'b');
    await network.node('n3');
    await harness.client.patch(
      nodes,
      { name: 'n3' },
      { type: 'merge', body: { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } } },
    );
    await harness.restart();
    const ports = [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'https', port: 443, targetPort: 'tls' },
      { name: 'm', port: 9, appProtocol: 'h2c' },
    ];
    await network.service('web', { ports }, { labels: { x: 'y', 'service.kubernetes.io/headless': 'odd' } });
    await network.service('dual', { ipFamilyPolicy: 'RequireDualStack' });
    await network.service('six', { ipFamilies: ['IPv6'] });
    await network.service('headless', { clusterIP: 'None', ports: undefined });
    await network.service('pub', { publishNotReadyAddresses: true });
    await network.service('none', { selector: { app: 'nobody' } });
    await network.service('zone', { trafficDistribution: 'PreferSameZone' });
    await network.service('node', { trafficDistribution: 'PreferSameNode' });
    await network.service('auto', {}, { annotations: { [AUTO]: 'Auto' } });
  },
  pods: async () => {
    const containerPorts = [{ name: 'tls', containerPort: 8443, protocol: 'TCP' }];
    await network.pod('p1', ['10.1.0.1', 'fd01::1'], {
      spec: { containers: [{ name: 'c', image: 'a', ports: containerPorts }] },
    });
    await network.pod('p2', ['10.1.0.2', 'fd01::2'], { node: 'n2', ready: false });
    await network.pod('p3', ['10.1.0.3'], {
      node: 'n3',
      spec: { hostname: 'h3', subdomain: 'headless', containers: [{ name: 'c', image: 'a' }] },
    });
    await network.pod('p4', ['10.1.0.1'], { node: 'n2' });
    await network.pod('p5', ['10.1.0.5'], { phase: 'Succeeded', ready: false });
  },
  'p2 ready': () => network.setPod('p2', ['10.1.0.2', 'fd01::2']),
  'p3 terminating': () => network.deletePod('p3', 30),
  'p4 relabelled, p3 gone': async () => {
    await harness.change(pods, 'p4', ({ metadata }) => (metadata.labels = { app: 'other' }));
    await network.deletePod('p3', 0);
  },
  'services changed': async () => {
    await network.patchService('auto', { metadata: { annotations: { [AUTO]: null } } });
    await network.patchService('zone', { spec: { trafficDistribution: null } });
    await network.patchService('dual', { spec: { ipFamilyPolicy: 'SingleStack' } });
    const ports = [{ name: 'http', port: 80, targetPort: 8081 }];
    await network.patchService('web', { metadata: { labels: { x: 'z' } }, spec: { ports } });
    await network.patchService('pub', { spec: { selector: null } });
  },
  mirrored: async () => {
    const port = (name: string, number: number, protocol = 'TCP') => ({ name, port: number, protocol });
    const applied = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
    await network.service('ext', { selector: undefined });
    await create('ext', { labels: { a: 'b' }, annotations: { note: '1', ...applied } }, [
      {
        addresses: [{ ip: '192.0.2.1', hostname: 'x', nodeName: 'n1' }, { ip: '2001:db8::1' }],
        notReadyAddresses: [{ ip: '192.0.2.2' }],
        ports: [port('b', 2), port('a', 1)],
      },
      { addresses: [{ ip: '192.0.2.9' }], ports: [port('b', 3, 'UDP')] },
    ]);
    const skipped = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
    await create('skip', { labels: skipped }, [{ addresses: [{ ip: '192.0.2.1' }] }]);
    await network.service('skip', { selector: undefined });
  },
  'mirror changed': async () => {
    await harness.change(endpoints, 'ext', (object) => {
      object.metadata.labels = { a: 'b', c: 'd' };
      object.metadata.annotations!['note'] = '2';
      object.subsets = [
        { addresses: [{ ip: '192.0.2.7' }], ports: [{ name: 'b', port: 7, protocol: 'TCP' }] },
      ];
    });
  },
  'mirror with selector': () => network.patchService('ext', { spec: { selector: { app: 'nobody' } } }),
};

async function create(
  name: string,
  metadata: Partial<Endpoints['metadata']>,
  subsets: EndpointSubset[],
): Promise<void> {
  await harness.client.create(endpoints, { metadata: { name, namespace: NAMESPACE, ...metadata }, subsets });
}

/** Sorted by what they are, since names and UIDs are by chance. */
function sorted<T>(list: readonly T[]): T[] {
  const key = (value: unknown): string =>
    JSON.stringify(value, (_, each: unknown) =>
      typeof each === 'object' && each !== null && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
        : each,
    );
  return [...list].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function metadataOf({ metadata }: KubeObject): View {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([name]) => !name.includes('trigger-time'),
  );
  const [owner] = metadata.ownerReferences ?? [];
  return {
    labels: metadata.labels,
    ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
    ...(owner === undefined ? {} : { owner: owner.kind }),
  };
}

/** Without UIDs and in an order of its own. */
function plain(list: readonly unknown[]): unknown[] {
  return sorted(
    JSON.parse(
      JSON.stringify(list, (name, value: unknown) => (name === 'uid' ? undefined : value)),
    ) as unknown[],
  );
}

function endpointsView(object: Endpoints): View {
  const subsets = (object.subsets ?? []).map(({ addresses, notReadyAddresses, ports }) => ({
    ...(addresses === undefined ? {} : { addresses: plain(addresses) }),
    ...(notReadyAddresses === undefined ? {} : { notReadyAddresses: plain(notReadyAddresses) }),
    ...(ports === undefined ? {} : { ports }),
  }));
  return { ...metadataOf(object), subsets: sorted(subsets) };
}

function sliceView(slice: EndpointSlice): View {
  const list: readonly unknown[] | null | undefined = slice.endpoints;
  return {
    ...metadataOf(slice),
    addressType: slice.addressType,
    ports: slice.ports,
    endpoints: list ? plain(list) : null,
  };
}

async function state(): Promise<{ endpoints: Record<string, unknown>; slices: Record<string, unknown> }> {
  const slices: Record<string, View[]> = {};
  for (const slice of await harness.list(endpointSlices))
    (slices[slice.metadata.labels!['kubernetes.io/service-name']!] ??= []).push(sliceView(slice));
  const own = (await harness.list(endpoints)).map(
    (object) => [object.metadata.name!, endpointsView(object)] as const,
  );
  return {
    endpoints: Object.fromEntries(own),
    slices: Object.fromEntries(Object.entries(slices).map(([name, list]) => [name, sorted(list)])),
  };
}

const expected: { endpoints: Record<string, unknown>; slices: Record<string, unknown> } = {
  endpoints: {},
  slices: {},
};

it.each(GOLDEN)('endpoints are those of kube-controller-manager: $step', async (golden) => {
  if (golden.events !== undefined) {
    const told = new Set((await harness.events()).filter((event) => event.includes('TopologyAware')));
    expect(told).toEqual(new Set(golden.events));
    return;
  }
  await SCRIPT[golden.step]!();
  await harness.settle();
  for (const kind of ['endpoints', 'slices'] as const)
    for (const [name, view] of Object.entries(golden[kind] ?? {}))
      if (view === null) delete expected[kind][name];
      else expected[kind][name] = view;
  expect(await state()).toEqual(expected);
});
