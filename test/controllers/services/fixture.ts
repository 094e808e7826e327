/** Services, pods and nodes as tests of endpoints need them. */
import { formatTime } from '../../../api/machinery/clock.ts';
import { nodes, pods, services, type Pod, type Service } from '../../../openapi/generated/core-v1.ts';
import {
  endpointSlices,
  type Endpoint,
  type EndpointSlice,
} from '../../../openapi/generated/discovery-v1.ts';
import { NAMESPACE, type Harness } from '../harness.ts';

export interface PodOptions {
  readonly ready?: boolean;
  readonly node?: string;
  readonly phase?: string;
  readonly spec?: Partial<Pod['spec']>;
}

/** A service of one port, and what comes of it at once. */
export async function createService(
  { client, settle }: Harness,
  name: string,
  spec: Partial<Service['spec']> = {},
): Promise<Service> {
  const made = await client.create(services, {
    metadata: { name, namespace: NAMESPACE },
    spec: { ports: [{ port: 80 }], ...spec },
  });
  await settle();
  return made;
}

export class Network {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  /** A node that is ready, in a zone. */
  async node(name: string, zone?: string, cpu = '4'): Promise<void> {
    const { client } = this.harness;
    const labels = zone === undefined ? {} : { labels: { 'topology.kubernetes.io/zone': zone } };
    await client.create(nodes, { metadata: { name, ...labels }, spec: {} });
    const conditions = [{ type: 'Ready', status: 'True' }];
    const body = { status: { allocatable: { cpu }, conditions } };
    await client.patch(nodes, { name }, { type: 'merge', body }, { subresource: 'status' });
    await this.harness.settle();
  }

  async service(
    name: string,
    spec: Partial<Service['spec']> = {},
    metadata: Partial<Service['metadata']> = {},
  ): Promise<void> {
    await this.harness.client.create(services, {
      metadata: { name, namespace: NAMESPACE, ...metadata },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
    });
    await this.harness.settle();
  }

  async patchService(name: string, body: unknown): Promise<void> {
    await this.harness.client.patch(services, { namespace: NAMESPACE, name }, { type: 'merge', body });
    await this.harness.settle();
  }

  async pod(name: string, ips: readonly string[], options: PodOptions = {}): Promise<void> {
    await this.harness.client.create(pods, {
      metadata: { name, namespace: NAMESPACE, labels: { app: 'web' } },
      spec: {
        nodeName: options.node ?? 'n1',
        containers: [{ name: 'main', image: 'app:1' }],
        ...options.spec,
      },
    });
    await this.setPod(name, ips, options);
  }

  async setPod(
    name: string,
    ips: readonly string[],
    { ready = true, phase = 'Running' }: PodOptions = {},
  ): Promise<void> {
    const lastTransitionTime = formatTime(this.harness.clock.now());
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }];
    const status = { phase, podIP: ips[0], podIPs: ips.map((ip) => ({ ip })), conditions };
    await this.harness.client.patch(
      pods,
      { namespace: NAMESPACE, name },
      { type: 'merge', body: { status } },
      { subresource: 'status' },
    );
    await this.harness.settle();
  }

  async deletePod(name: string, gracePeriodSeconds: number): Promise<void> {
    await this.harness.client.delete(pods, { namespace: NAMESPACE, name }, { gracePeriodSeconds });
    await this.harness.settle();
  }

  async slices(service: string): Promise<EndpointSlice[]> {
    return (await this.harness.list(endpointSlices))
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service)
      .sort((a, b) => (a.addressType < b.addressType ? -1 : 1));
  }

  async endpoints(service: string): Promise<Endpoint[]> {
    return (await this.slices(service)).flatMap(({ endpoints }) => endpoints ?? []);
  }
}
