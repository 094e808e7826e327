import { afterEach, describe, expect, it } from 'vitest';
import { services, type Service } from '../../../openapi/generated/core-v1.ts';
import { ipAddresses } from '../../../openapi/generated/networking-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../../controllers/harness.ts';

type Spec = Partial<Service['spec']>;

const IPV4 = '10.0.0.0/24';
const DUAL = '10.0.0.0/24,fd00::/112';
const IPV6 = 'fd00::/112';
const V4 = expect.stringMatching(/^10\.0\.0\.\d+$/);
const V6 = expect.stringMatching(/^fd00::/);

let harness: Harness;
afterEach(() => harness.stop());
const start = async (serviceRanges: string): Promise<void> => {
  harness = await startHarness([], 'services', { serviceRanges });
};

const create = (spec: Spec, name = 'web'): Promise<Service> =>
  harness.client.create(services, {
    metadata: { name, namespace: NAMESPACE },
    spec: { ports: [{ port: 80 }], ...spec },
  });

/** A PUT as a user sends it: only what the manifest says. */
const replace = (spec: Spec, name = 'web'): Promise<Service> =>
  harness.client.update(services, {
    metadata: { name, namespace: NAMESPACE },
    spec: { ports: [{ port: 80 }], ...spec },
  } as Service);

const patch = (spec: Readonly<Record<string, unknown>>, name = 'web'): Promise<Service> =>
  harness.client.patch(services, { namespace: NAMESPACE, name }, { type: 'merge', body: { spec } });

const families = ({ spec }: Service): unknown => [spec.ipFamilyPolicy, spec.ipFamilies, spec.clusterIPs];
const held = async (): Promise<string[]> =>
  (await harness.client.list(ipAddresses)).items.map(({ metadata }) => metadata.name!).sort();

describe('families of a new service', () => {
  it.each<{ name: string; ranges: string; spec: Spec; expected: unknown }>([
    { name: 'are one by default', ranges: DUAL, spec: {}, expected: ['SingleStack', ['IPv4'], [V4]] },
    {
      name: 'are that of the primary range',
      ranges: IPV6,
      spec: {},
      expected: ['SingleStack', ['IPv6'], [V6]],
    },
    {
      name: 'are one where two are preferred on one stack',
      ranges: IPV4,
      spec: { ipFamilyPolicy: 'PreferDualStack' },
      expected: ['PreferDualStack', ['IPv4'], [V4]],
    },
    {
      name: 'are both where they are preferred',
      ranges: DUAL,
      spec: { ipFamilyPolicy: 'PreferDualStack' },
      expected: ['PreferDualStack', ['IPv4', 'IPv6'], [V4, V6]],
    },
    {
      name: 'keep the order that was asked for',
      ranges: DUAL,
      spec: { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] },
      expected: ['RequireDualStack', ['IPv6', 'IPv4'], [V6, V4]],
    },
    {
      name: 'are those of the addresses',
      ranges: DUAL,
      spec: { clusterIP: 'fd00::9', clusterIPs: ['fd00::9'] },
      expected: ['SingleStack', ['IPv6'], ['fd00::9']],
    },
    {
      name: 'are one without an address and with a selector',
      ranges: DUAL,
      spec: { clusterIP: 'None', selector: { a: 'b' } },
      expected: ['SingleStack', ['IPv4'], ['None']],
    },
    {
      name: 'are both on any cluster without an address and without a selector',
      ranges: IPV6,
      spec: { clusterIP: 'None' },
      expected: ['RequireDualStack', ['IPv6', 'IPv4'], ['None']],
    },
    {
      name: 'are none of a name',
      ranges: DUAL,
      spec: { type: 'ExternalName', externalName: 'example.com' },
      expected: [undefined, undefined, undefined],
    },
  ])('$name', async ({ ranges, spec, expected }) => {
    await start(ranges);
    expect(families(await create(spec))).toEqual(expected);
  });

  it.each<{ name: string; ranges: string; spec: Spec; text: string }>([
    {
      name: 'two on a cluster of one',
      ranges: IPV4,
      spec: { ipFamilyPolicy: 'RequireDualStack' },
      text: 'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    },
    {
      name: 'one the cluster has not',
      ranges: IPV4,
      spec: { ipFamilies: ['IPv6'] },
      text: 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    },
    {
      name: 'an address of one the cluster has not',
      ranges: IPV4,
      spec: { clusterIP: 'fd00::9' },
      text: 'spec.clusterIPs[0]: Invalid value: ["fd00::9"]: IPv6 is not configured on this cluster',
    },
    {
      name: 'two with a policy of one',
      ranges: DUAL,
      spec: { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4', 'IPv6'] },
      text: "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
    },
    {
      name: 'an address of another one',
      ranges: DUAL,
      spec: { clusterIP: '10.0.0.9', ipFamilies: ['IPv6'] },
      text: 'spec.clusterIPs[0]: Invalid value: "10.0.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
    },
  ])('may not be $name', async ({ ranges, spec, text }) => {
    await start(ranges);
    await expect(create(spec)).rejects.toThrow(text);
    expect(await held()).toEqual([]);
  });
});

describe('a changed service', () => {
  it('gets a second family, gives it back, and keeps the first', async () => {
    await start(DUAL);
    const [first] = (await create({})).spec.clusterIPs!;
    const dual = await patch({ ipFamilyPolicy: 'RequireDualStack' });
    expect(families(dual)).toEqual(['RequireDualStack', ['IPv4', 'IPv6'], [first, V6]]);
    expect(await held()).toEqual([...dual.spec.clusterIPs!].sort());
    await expect(patch({ ipFamilies: ['IPv4'], clusterIPs: [first] })).rejects.toThrow(
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary cluster IP',
    );
    const single = await patch({ ipFamilyPolicy: 'SingleStack' });
    expect(families(single)).toEqual(['SingleStack', ['IPv4'], [first]]);
    expect(await held()).toEqual([first]);
    await expect(patch({ ipFamilies: ['IPv6'] })).rejects.toThrow('Invalid value');
    await expect(patch({ clusterIP: '10.0.0.9', clusterIPs: ['10.0.0.9'] })).rejects.toThrow(
      'spec.clusterIPs[0]: Invalid value: ["10.0.0.9"]: may not change once set',
    );
    expect(await held()).toEqual([first]);
  });

  it('that prefers two stacks keeps both through other changes', async () => {
    await start(DUAL);
    const made = await create({ ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4'] });
    const changed = await patch({ selector: { a: 'b' } });
    expect(families(changed)).toEqual(families(made));
  });

  it('gets the second address it asks for', async () => {
    await start(DUAL);
    const [first] = (await create({})).spec.clusterIPs!;
    const { spec } = await patch({ ipFamilyPolicy: 'PreferDualStack', clusterIPs: [first, 'fd00::99'] });
    expect(spec).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'], clusterIPs: [first, 'fd00::99'] });
  });

  it('becomes a name and a service again', async () => {
    await start(DUAL);
    await create({ ipFamilyPolicy: 'RequireDualStack', type: 'NodePort' });
    const named = await patch({ type: 'ExternalName', externalName: 'example.com' });
    expect(families(named)).toEqual([undefined, undefined, undefined]);
    expect(named.spec.internalTrafficPolicy).toBeUndefined();
    expect(named.spec.ports).toEqual([{ protocol: 'TCP', port: 80, targetPort: 80 }]);
    expect(await held()).toEqual([]);
    const again = await patch({ type: 'ClusterIP', externalName: null });
    expect(families(again)).toEqual(['SingleStack', ['IPv4'], [V4]]);
    expect(await held()).toEqual(again.spec.clusterIPs);
  });

  it('sent as the manifest it was made of keeps its address and ports', async () => {
    await start(IPV4);
    const manifest: Spec = {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81 },
      ],
    };
    const { spec } = await create(manifest);
    expect((await replace(manifest)).spec).toEqual(spec);
    const moved = await replace({
      ...manifest,
      ports: [
        { name: 'b', port: 82 },
        { name: 'c', port: 80 },
      ],
    });
    const [, b] = spec.ports!;
    expect(moved.spec.ports![0]!.nodePort).toBe(b!.nodePort);
    expect(moved.spec.ports![1]!.nodePort).not.toBe(spec.ports![0]!.nodePort);
  });

  it('whose change fails gives back what it took for that', async () => {
    await start(DUAL);
    const { spec } = await create({});
    await expect(
      patch({ ipFamilyPolicy: 'RequireDualStack', type: 'NodePort', ports: [{ port: 80, nodePort: 1 }] }),
    ).rejects.toThrow('provided port is not in the valid range');
    expect(await held()).toEqual(spec.clusterIPs);
    const node = { type: 'NodePort', ports: [{ port: 80, nodePort: 30500 }], sessionAffinity: 'Odd' };
    await expect(patch(node)).rejects.toThrow('spec.sessionAffinity');
    await patch({ ...node, sessionAffinity: 'None' });
  });
});

describe('node ports', () => {
  const portsOf = ({ spec }: Service): unknown => spec.ports!.map(({ nodePort }) => nodePort);

  it('are shared by ports of one number', async () => {
    await start(IPV4);
    const made = await create({
      type: 'NodePort',
      ports: [
        { name: 'tcp', protocol: 'TCP', port: 53 },
        { name: 'udp', protocol: 'UDP', port: 53, nodePort: 30053 },
      ],
    });
    expect(portsOf(made)).toEqual([30053, 30053]);
    const clash = create(
      {
        type: 'NodePort',
        ports: [
          { name: 'tcp', protocol: 'TCP', port: 53, nodePort: 30054 },
          { name: 'udp', protocol: 'UDP', port: 54, nodePort: 30054 },
        ],
      },
      'other',
    );
    await expect(clash).rejects.toThrow(
      'spec.ports[1].nodePort: Invalid value: 30054: provided port is already allocated',
    );
    await create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30054 }] }, 'third');
  });

  it('are given back with the type, the port and the service', async () => {
    await start(IPV4);
    const take = (name: string): Promise<Service> =>
      create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30100 }] }, name);
    await take('a');
    await expect(take('b')).rejects.toThrow('provided port is already allocated');
    expect(portsOf(await patch({ type: 'ClusterIP' }, 'a'))).toEqual([undefined]);
    await take('b');
    await patch({ ports: [{ port: 80, nodePort: 30101 }] }, 'b');
    await take('c');
    await harness.client.delete(services, { namespace: NAMESPACE, name: 'c' });
    await take('d');
  });

  it('are not taken unasked where a load balancer does without', async () => {
    await start(IPV4);
    const balancer = { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false };
    expect(portsOf(await create(balancer))).toEqual([undefined]);
    expect(portsOf(await create({ ...balancer, ports: [{ port: 80, nodePort: 30200 }] }, 'b'))).toEqual([
      30200,
    ]);
    const [port] = portsOf(await patch({ allocateLoadBalancerNodePorts: true })) as number[];
    expect(port).toBeGreaterThan(30000);
    expect(portsOf(await patch({ allocateLoadBalancerNodePorts: false }))).toEqual([port]);
  });

  it('of health checks come and go with the policy', async () => {
    await start(IPV4);
    const made = await create({
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 30300,
    });
    expect(made.spec.healthCheckNodePort).toBe(30300);
    await expect(patch({ healthCheckNodePort: 30301 })).rejects.toThrow(
      'spec.healthCheckNodePort: Forbidden: field is immutable',
    );
    const use = (name: string): Promise<Service> =>
      create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30300 }] }, name);
    await expect(use('b')).rejects.toThrow('provided port is already allocated');
    expect((await patch({ externalTrafficPolicy: 'Cluster' })).spec.healthCheckNodePort).toBeUndefined();
    await use('b');
    await expect(patch({ externalTrafficPolicy: 'Local', healthCheckNodePort: 30300 })).rejects.toThrow(
      'Internal error occurred: failed to allocate requested HealthCheck NodePort 30300: provided port is already allocated',
    );
  });

  it('of a dry run are made up', async () => {
    await start(IPV4);
    const draft = {
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 2 },
        ],
      },
    };
    expect(portsOf(await harness.client.create(services, draft, { dryRun: true }))).toEqual([32769, 32770]);
  });
});

describe('many at once', () => {
  it('get addresses and ports of their own, and as many as there are', async () => {
    await start('10.0.0.0/28');
    const made = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => create({ type: 'NodePort' }, `web-${index}`)),
    );
    const specs = made.flatMap((each) => (each.status === 'fulfilled' ? [each.value.spec] : []));
    expect(specs).toHaveLength(14);
    expect(new Set(specs.map(({ clusterIP }) => clusterIP)).size).toBe(14);
    expect(new Set(specs.map(({ ports }) => ports![0]!.nodePort)).size).toBe(14);
    expect(await held()).toHaveLength(14);
  });

  it('that want one address or one port have one winner', async () => {
    await start(IPV4);
    const count = async (spec: Spec, prefix: string): Promise<number> => {
      const made = await Promise.allSettled(
        Array.from({ length: 5 }, (_, index) => create(spec, `${prefix}-${index}`)),
      );
      return made.filter(({ status }) => status === 'fulfilled').length;
    };
    expect(await count({ clusterIP: '10.0.0.77' }, 'ip')).toBe(1);
    expect(await count({ type: 'NodePort', ports: [{ port: 80, nodePort: 30777 }] }, 'port')).toBe(1);
    expect(await held()).toHaveLength(2);
  });
});

describe('a dry run of a change', () => {
  it.each([
    { name: 'a second family', body: { ipFamilyPolicy: 'RequireDualStack' } },
    { name: 'a name', body: { type: 'ExternalName', externalName: 'example.com' } },
    { name: 'other ports', body: { ports: [{ port: 80, nodePort: 30401 }] } },
  ])('to $name takes and gives back nothing', async ({ body }) => {
    await start(DUAL);
    const { spec } = await create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30400 }] });
    const target = { namespace: NAMESPACE, name: 'web' };
    await harness.client.patch(services, target, { type: 'merge', body: { spec: body } }, { dryRun: true });
    await harness.client.delete(services, target, { dryRun: true });
    expect(await held()).toEqual(spec.clusterIPs);
    const use = (nodePort: number): Promise<Service> =>
      create({ type: 'NodePort', ports: [{ port: 80, nodePort }] }, `uses-${nodePort}`);
    await expect(use(30400)).rejects.toThrow('provided port is already allocated');
    await use(30401);
  });
});
