import fc from 'fast-check';
import { expect, it } from 'vitest';
import { endpointSliceController } from '../../../controllers/endpointslice/endpointslice-controller.ts';
import { endpointsController } from '../../../controllers/endpoints/endpoints-controller.ts';
import { familyOf } from '../../../api/groups/common/prefix.ts';
import { isNotFound } from '../../../api/machinery/errors.ts';
import { endpoints, pods, services, type Pod, type Service } from '../../../openapi/generated/core-v1.ts';
import { endpointSlices, type EndpointSlice } from '../../../openapi/generated/discovery-v1.ts';
import { NAMESPACE, startHarness } from '../harness.ts';
import { Network } from './fixture.ts';

const POLICIES = ['SingleStack', 'PreferDualStack', 'RequireDualStack'] as const;

const pick = fc.nat({ max: 5 });
const step = fc.oneof(
  fc.record({
    do: fc.constant('batch' as const),
    count: fc.integer({ min: 1, max: 150 }),
    ready: fc.boolean(),
  }),
  fc.record({
    do: fc.constant('service' as const),
    pick,
    policy: fc.constantFrom(...POLICIES),
    publish: fc.boolean(),
  }),
  fc.record({ do: fc.constant('policy' as const), pick, policy: fc.constantFrom(...POLICIES) }),
  fc.record({ do: fc.constant('publish' as const), pick, publish: fc.boolean() }),
  fc.record({ do: fc.constant('toggle' as const), pick: fc.nat(), ready: fc.boolean() }),
  fc.record({ do: fc.constant('relabel' as const), pick: fc.nat(), to: fc.constantFrom('web', 'other') }),
  fc.record({
    do: fc.constant('deletePods' as const),
    pick: fc.nat(),
    count: fc.integer({ min: 1, max: 60 }),
    grace: fc.constantFrom(0, 30),
  }),
  fc.record({ do: fc.constant('deleteService' as const), pick }),
  fc.record({ do: fc.constant('breakSlice' as const), pick: fc.nat() }),
  fc.record({ do: fc.constant('restart' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class World {
  readonly network: Network;
  #made = 0;

  constructor(network: Network) {
    this.network = network;
  }

  get harness(): Network['harness'] {
    return this.network.harness;
  }

  async run(one: Step): Promise<void> {
    try {
      await this.#do(one);
    } catch (error) {
      // Gone already.
      if (!isNotFound(error)) throw error;
    }
  }

  async #do(one: Step): Promise<void> {
    const { client } = this.harness;
    // Slices of a service that went stay, as nothing collects garbage here: the next of its name has to clear them.
    const at = async (place: number): Promise<string> => {
      const all = await this.harness.pods();
      return all[place % Math.max(1, all.length)]?.metadata.name ?? 'none';
    };
    if (one.do === 'batch')
      for (let i = 0; i < one.count; i++) {
        const host = ++this.#made;
        const ips = [`10.1.${host >> 8}.${host & 255}`, `fd01::${host.toString(16)}`];
        // Every seventh has one family only.
        await this.network.pod(`p${host}`, host % 7 === 0 ? ips.slice(0, 1) : ips, { ready: one.ready });
      }
    else if (one.do === 'service') {
      const name = `s${one.pick}`;
      const target = { namespace: NAMESPACE, name };
      await client.delete(services, target).catch(() => {});
      await this.network.service(name, {
        ipFamilyPolicy: one.policy,
        publishNotReadyAddresses: one.publish,
      });
    } else if (one.do === 'policy')
      await this.network.patchService(`s${one.pick}`, { spec: { ipFamilyPolicy: one.policy } });
    else if (one.do === 'publish')
      await this.network.patchService(`s${one.pick}`, { spec: { publishNotReadyAddresses: one.publish } });
    else if (one.do === 'toggle') {
      const name = await at(one.pick);
      const pod = await this.harness.get(pods, name);
      await this.network.setPod(
        name,
        (pod.status.podIPs ?? []).map(({ ip }) => ip),
        { ready: one.ready },
      );
    } else if (one.do === 'relabel') {
      await this.harness.change(
        pods,
        await at(one.pick),
        ({ metadata }) => (metadata.labels = { app: one.to }),
      );
    } else if (one.do === 'deletePods')
      for (let i = 0; i < one.count; i++) await this.network.deletePod(await at(one.pick + i), one.grace);
    else if (one.do === 'deleteService')
      await client.delete(services, { namespace: NAMESPACE, name: `s${one.pick}` });
    else if (one.do === 'breakSlice') {
      const all = await this.harness.list(endpointSlices);
      const slice = all[one.pick % Math.max(1, all.length)];
      if (slice === undefined) return;
      const body = {
        endpoints: [{ addresses: [slice.addressType === 'IPv4' ? '192.0.2.1' : '2001:db8::1'] }],
      };
      const target = { namespace: NAMESPACE, name: slice.metadata.name! };
      await client.patch(endpointSlices, target, { type: 'merge', body });
    } else await this.harness.restart();
  }
}

const isReady = ({ status, metadata }: Pod, { spec }: Service): boolean =>
  spec.publishNotReadyAddresses === true ||
  (metadata.deletionTimestamp === undefined &&
    status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true);

/** Slices of one family show the pods there are, once each, in as few slices as fit. */
function checkFamily(
  slices: readonly EndpointSlice[],
  service: Service,
  members: readonly Pod[],
  family: string,
): void {
  const own = slices.filter(({ addressType }) => addressType === family);
  const shown = own.flatMap((slice) => slice.endpoints ?? []);
  const addressOf = (pod: Pod): string[] =>
    (pod.status.podIPs ?? []).map(({ ip }) => ip).filter((ip) => familyOf(ip) === family);
  const sorted = (list: readonly string[]): string[] => [...list].sort((a, b) => (a < b ? -1 : 1));
  expect(sorted(shown.flatMap(({ addresses }) => addresses))).toEqual(sorted(members.flatMap(addressOf)));
  expect(
    sorted(shown.filter(({ conditions }) => conditions?.ready).flatMap(({ addresses }) => addresses)),
  ).toEqual(sorted(members.filter((pod) => isReady(pod, service)).flatMap(addressOf)));
  expect(Math.max(...own.map(({ endpoints: list }) => (list ?? []).length))).toBeLessThanOrEqual(100);
  const empty = own.filter((slice) => (slice.endpoints ?? []).length === 0);
  expect(empty.length).toBe(shown.length === 0 ? 1 : 0);
  if (shown.length === 0) expect(own).toHaveLength(1);
}

it('slices are the ready pods of each family, whatever happened', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const harness = await startHarness([endpointsController, endpointSliceController], 'property', {
        serviceRanges: '10.0.0.0/24,fd00::/112',
      });
      try {
        const world = new World(new Network(harness));
        await world.network.node('n1', 'a');
        await world.network.service('s0', { ipFamilyPolicy: 'PreferDualStack' });
        for (const one of steps) await world.run(one);
        await harness.advance(3000);
        const all = await harness.pods();
        for (const service of await harness.list(services)) {
          const members = all.filter(({ metadata }) => metadata.labels?.['app'] === 'web');
          const slices = await world.network.slices(service.metadata.name!);
          const families = service.spec.ipFamilies!;
          expect(slices.every(({ addressType }) => families.includes(addressType))).toBe(true);
          for (const family of families) checkFamily(slices, service, members, family);
          const { subsets = [] } = await harness.get(endpoints, service.metadata.name!);
          const listed = subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip));
          expect(new Set(listed)).toEqual(
            new Set(
              members
                .filter((pod) => isReady(pod, service))
                .map(({ status }) => status.podIPs!.find(({ ip }) => familyOf(ip) === families[0])?.ip)
                .filter((ip) => ip !== undefined),
            ),
          );
        }
      } finally {
        await harness.stop();
      }
    }),
    { numRuns: 20, seed: 7 },
  );
});
