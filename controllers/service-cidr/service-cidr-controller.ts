/** Shows which addresses services have, and that the ranges they come from are in use. Mirrors servicecidrs and ipallocator. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { services, type Service } from '../../openapi/generated/core-v1.ts';
import { ipAddresses, serviceCIDRs, type ServiceCIDR } from '../../openapi/generated/networking-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

const FINALIZER = 'networking.k8s.io/service-cidr-finalizer';
const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family';
const MANAGED_BY_LABEL = 'ipaddress.kubernetes.io/managed-by';
const MANAGED_BY = 'ipallocator.k8s.io';
const PARENT_INDEX = 'parent';

export const serviceCIDRController: ControllerDefinition = {
  name: 'service-cidr-controller',
  description: {
    does: 'Keeps an IPAddress for every cluster IP of a service, and marks ServiceCIDRs as ready.',
    watches: ['ipaddresses', 'servicecidrs', 'services'],
    writes: ['ipaddresses', 'servicecidrs', 'servicecidrs/status'],
    leavesOut: ['allocation from further ServiceCIDRs'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('service-cidr-controller') };
  const serviceInformer = context.informer(services);
  const addresses = context.informer(ipAddresses);
  const ranges = context.informer(serviceCIDRs);
  addresses.addIndex(PARENT_INDEX, ({ spec }) => [`${spec.parentRef?.namespace}/${spec.parentRef?.name}`]);
  const byService = createReconciler({
    name: 'service-cidr addresses',
    context,
    workers: 4,
    reconcile: async (key) => {
      const service = serviceInformer.get(key);
      const wanted = service === undefined ? [] : clusterIPs(service);
      for (const { metadata } of addresses.byIndex(PARENT_INDEX, key)) {
        const isOurs = metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY;
        if (isOurs && !wanted.includes(metadata.name!)) await remove(context, metadata.name!, metadata.uid);
      }
      for (const ip of wanted) if (addresses.get(ip) === undefined) await create(context, service!, ip);
    },
  });
  const byRange = createReconciler({
    name: 'service-cidr ranges',
    context,
    workers: 1,
    reconcile: async (name) => {
      const range = ranges.get(name);
      if (range !== undefined) await syncRange(context, range);
    },
  });
  const serviceChanged = (service: Service): void => byService.queue.add(keyOf(service));
  serviceInformer.addHandler({
    added: serviceChanged,
    updated: (service, old) => {
      if (String(service.spec.clusterIPs) !== String(old.spec.clusterIPs)) serviceChanged(service);
    },
    deleted: serviceChanged,
  });
  addresses.addHandler({
    deleted: ({ spec }) => {
      const { namespace, name } = spec.parentRef ?? {};
      if (name !== undefined) byService.queue.add(`${namespace}/${name}`);
    },
  });
  const rangeChanged = ({ metadata }: ServiceCIDR): void => byRange.queue.add(metadata.name!);
  ranges.addHandler({ added: rangeChanged, updated: rangeChanged });
  return {
    start: () => {
      byService.start?.();
      byRange.start?.();
    },
    stop: async () => {
      await byService.stop?.();
      await byRange.stop?.();
    },
  };
}

function clusterIPs({ spec }: Service): string[] {
  return (spec.clusterIPs ?? []).filter((ip) => ip !== '' && ip !== 'None');
}

async function create({ client }: ControllerContext, { metadata }: Service, ip: string): Promise<void> {
  const family = ip.includes(':') ? 'IPv6' : 'IPv4';
  await client
    .create(ipAddresses, {
      metadata: { name: ip, labels: { [FAMILY_LABEL]: family, [MANAGED_BY_LABEL]: MANAGED_BY } },
      spec: {
        parentRef: { group: '', resource: 'services', namespace: metadata.namespace, name: metadata.name! },
      },
    })
    .catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
}

async function remove({ client }: ControllerContext, name: string, uid: string | undefined): Promise<void> {
  await client.delete(ipAddresses, { name }, { preconditions: { uid } }).catch((error: unknown) => {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  });
}

/** A range in use is held; one on its way out goes as nothing here takes addresses from it any more. */
async function syncRange({ client, clock }: ControllerContext, range: ServiceCIDR): Promise<void> {
  const isHeld = range.metadata.finalizers?.includes(FINALIZER) === true;
  if (range.metadata.deletionTimestamp !== undefined) {
    if (!isHeld) return;
    const changed = structuredCopy(range);
    changed.metadata.finalizers = changed.metadata.finalizers!.filter((each) => each !== FINALIZER);
    await client.update(serviceCIDRs, changed);
    return;
  }
  let current = range;
  if (!isHeld) {
    const changed = structuredCopy(range);
    changed.metadata.finalizers = [...(changed.metadata.finalizers ?? []), FINALIZER];
    current = await client.update(serviceCIDRs, changed);
  }
  if (current.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true)
    return;
  const ready = {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: formatTime(clock.now()),
    reason: '',
    message: 'Kubernetes Service CIDR is ready',
  };
  const others = (current.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
  const status = { ...current.status, conditions: [...others, ready] };
  await client.update(serviceCIDRs, { ...current, status }, { subresource: 'status' });
}
