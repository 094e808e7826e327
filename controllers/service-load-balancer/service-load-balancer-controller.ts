/** Gives services of type LoadBalancer an address, as a cloud would. Mirrors cloud-provider's service controller. */
import {
  containsAddress,
  familyOf,
  formatAddress,
  parseAddress,
  parsePrefix,
  type IPFamily,
} from '../../api/groups/common/prefix.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { services, type Service } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';
/** Addresses given out, of each family: from networks for documentation, which belong to nobody. */
const NETWORKS = { IPv4: '203.0.113.0/24', IPv6: '2001:db8:113::/120' } as const;
const LAST_HOST = 254;

export const serviceLoadBalancerController: ControllerDefinition = {
  name: 'service-lb-controller',
  aliases: ['service'],
  description: {
    does: `Gives services of type LoadBalancer (without a class of their own) an address of each of their IP families, of ${NETWORKS.IPv4} and ${NETWORKS.IPv6}, and takes it back.`,
    watches: ['services'],
    writes: ['services', 'services/status'],
    events: [
      'DeletedLoadBalancer',
      'DeletingLoadBalancer',
      'EnsuredLoadBalancer',
      'EnsuringLoadBalancer',
      'SyncLoadBalancerFailed',
    ],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('service-controller') };
  const recorder = context.recorder('service-controller');
  const informer = context.informer(services);
  /** Key of the service that has an address. */
  const given = new Map<string, string>();
  const reconciler = createReconciler({
    name: 'service-lb',
    context,
    workers: 1,
    reconcile: async (key) => {
      const service = informer.get(key);
      if (service === undefined) return;
      try {
        if (wantsBalancer(service)) await ensure(key, service);
        else if (service.metadata.finalizers?.includes(FINALIZER) === true) await remove(service);
      } catch (error) {
        // Gone in between.
        if (!isNotFound(error)) throw error;
      }
    },
  });

  async function ensure(key: string, service: Service): Promise<void> {
    let current = service;
    if (service.metadata.finalizers?.includes(FINALIZER) !== true) {
      const changed = structuredCopy(service);
      changed.metadata.finalizers = [...(changed.metadata.finalizers ?? []), FINALIZER];
      recorder.event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
      current = await context.client.update(services, changed);
    }
    const before = current.status.loadBalancer?.ingress ?? [];
    // What somebody else wrote stays.
    if (before.some(({ ip = '' }) => !isOurs(ip))) return;
    const ips = chooseAddresses(
      key,
      current,
      before.map(({ ip }) => ip!),
    );
    if (ips === undefined) {
      const message = 'Error syncing load balancer: failed to ensure load balancer: no address is free';
      recorder.event(service, 'Warning', 'SyncLoadBalancerFailed', message);
      return;
    }
    if (
      equalJSON(
        ips,
        before.map(({ ip }) => ip),
      )
    )
      return;
    for (const { ip } of before) given.delete(ip!);
    for (const ip of ips) given.set(ip, key);
    const ingress = ips.map((ip) => ({ ip, ipMode: 'VIP' }));
    const status = { ...current.status, loadBalancer: { ingress } };
    await context.client.update(services, { ...current, status }, { subresource: 'status' });
    recorder.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
  }

  /** An address of each family of the service, those it has before others; undefined when one family has none left. */
  function chooseAddresses(key: string, { spec }: Service, held: readonly string[]): string[] | undefined {
    const families = (spec.ipFamilies ?? ['IPv4']) as IPFamily[];
    const ips = families.map(
      (family) =>
        held.find((ip) => familyOf(ip) === family) ?? chooseAddress(key, family, spec.loadBalancerIP),
    );
    return ips.every((ip) => ip !== undefined) ? ips : undefined;
  }

  /** The one asked for if it is free and ours to give, or the first that is free. */
  function chooseAddress(key: string, family: IPFamily, wanted: string | undefined): string | undefined {
    const isFree = (ip: string): boolean => (given.get(ip) ?? key) === key;
    if (wanted !== undefined && familyOf(wanted) === family && isOurs(wanted) && isFree(wanted))
      return wanted;
    const { first } = parsePrefix(NETWORKS[family])!;
    for (let host = 1; host <= LAST_HOST; host++) {
      const ip = formatAddress({ family, value: first + BigInt(host) });
      if (isFree(ip)) return ip;
    }
    return undefined;
  }

  async function remove(service: Service): Promise<void> {
    recorder.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
    let current = service;
    if ((service.status.loadBalancer?.ingress ?? []).length > 0) {
      const status = { ...service.status, loadBalancer: {} };
      current = await context.client.update(services, { ...service, status }, { subresource: 'status' });
    }
    const changed = structuredCopy(current);
    changed.metadata.finalizers = changed.metadata.finalizers?.filter((each) => each !== FINALIZER);
    await context.client.update(services, changed);
    release(service);
    recorder.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
  }

  function release(service: Service): void {
    for (const [ip, key] of given) if (key === keyOf(service)) given.delete(ip);
  }

  const changed = (service: Service): void => {
    for (const { ip } of service.status.loadBalancer?.ingress ?? [])
      if (ip !== undefined) given.set(ip, keyOf(service));
    if (service.spec.type === 'LoadBalancer' || service.metadata.finalizers?.includes(FINALIZER) === true)
      reconciler.queue.add(keyOf(service));
  };
  informer.addHandler({ added: changed, updated: changed, deleted: release });
  return reconciler;
}

function isOurs(ip: string): boolean {
  const address = parseAddress(ip);
  return address !== undefined && containsAddress(parsePrefix(NETWORKS[address.family])!, address);
}

function wantsBalancer({ metadata, spec }: Service): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    spec.type === 'LoadBalancer' &&
    spec.loadBalancerClass === undefined
  );
}
