/** Holds ServiceCIDRs while addresses of them are in use, and says that they are ready. Mirrors pkg/controller/servicecidrs. */
import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import {
  ipAddresses,
  serviceCIDRs,
  type IPAddress,
  type ServiceCIDR,
} from '../../openapi/generated/networking-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
  Result,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { isManagedAddress } from './ip-addresses.ts';
import { havingAddress, havingPrefix, overlapping, prefixesOf } from './service-cidrs.ts';

const FINALIZER = 'networking.k8s.io/service-cidr-finalizer';
/** Time for every API server to hear that nothing is to be allocated any more. */
const DELETION_GRACE_MS = 10_000;

const READY = { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' } as const;
const TERMINATING = {
  status: 'False',
  reason: 'Terminating',
  message:
    'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
} as const;

export const serviceCIDRController: ControllerDefinition = {
  name: 'service-cidr-controller',
  description: {
    does: 'Marks ServiceCIDRs as ready, and keeps those that are deleted for as long as IPAddresses of no other range are left.',
    watches: ['ipaddresses', 'servicecidrs'],
    writes: ['servicecidrs', 'servicecidrs/status'],
    events: ['KubernetesServiceCIDRError'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('service-cidrs-controller') };
  const recorder = context.recorder('service-cidr-controller');
  const addresses = context.informer(ipAddresses);
  const ranges = context.informer(serviceCIDRs);
  const reconciler = createReconciler({
    name: 'service-cidr',
    context,
    workers: 5,
    reconcile: async (name) => {
      const range = ranges.get(name);
      if (range === undefined) return;
      if (range.metadata.deletionTimestamp !== undefined)
        return letGo(context, range, isDeletable(range, ranges, addresses));
      try {
        await setCondition(context, await hold(context, range), READY);
      } catch (error) {
        const message = 'The ServiceCIDR Status can not be set to Ready=True';
        recorder.event(range, 'Warning', 'KubernetesServiceCIDRError', message);
        throw error;
      }
    },
  });
  const enqueue = ({ metadata }: ServiceCIDR): void => reconciler.queue.add(metadata.name!);
  ranges.addHandler({
    added: (range) => {
      enqueue(range);
      // A new range may take over the addresses of one that is held by them.
      for (const other of overlapping(ranges.list(), range)) enqueue(other);
    },
    updated: enqueue,
    deleted: enqueue,
  });
  const addressChanged = (address: IPAddress): void => {
    if (isManagedAddress(address))
      for (const range of havingAddress(ranges.list(), address.metadata.name!)) enqueue(range);
  };
  addresses.addHandler({ added: addressChanged, deleted: addressChanged });
  return reconciler;
}

/** Whether other ranges have all of it, or every address of it that is in use. */
function isDeletable(
  range: ServiceCIDR,
  ranges: Informer<ServiceCIDR>,
  addresses: Informer<IPAddress>,
): boolean {
  const all = ranges.list();
  const isOnly = (found: readonly ServiceCIDR[]): boolean =>
    found.length === 1 && found[0]!.metadata.name === range.metadata.name;
  const prefixes = prefixesOf(range);
  if (prefixes.every((prefix) => !isOnly(havingPrefix(all, prefix)))) return true;
  return !addresses
    .list()
    .some((address) => isManagedAddress(address) && isOnly(havingAddress(all, address.metadata.name!)));
}

async function letGo(
  context: ControllerContext,
  range: ServiceCIDR,
  isFree: boolean,
): Promise<Result | undefined> {
  const { finalizers, deletionTimestamp, name } = range.metadata;
  if (!isFree) {
    await setCondition(context, range, TERMINATING);
    return undefined;
  }
  const waitMs = parseTime(deletionTimestamp!) + DELETION_GRACE_MS - context.clock.now();
  if (waitMs > 0) return { requeueAfterMs: waitMs };
  if (finalizers?.includes(FINALIZER) === true)
    await patchMetadata(context, name!, { '$deleteFromPrimitiveList/finalizers': [FINALIZER] });
  return undefined;
}

async function hold(context: ControllerContext, range: ServiceCIDR): Promise<ServiceCIDR> {
  if (range.metadata.finalizers?.includes(FINALIZER) === true) return range;
  return (await patchMetadata(context, range.metadata.name!, { finalizers: [FINALIZER] })) ?? range;
}

async function patchMetadata(
  { client }: ControllerContext,
  name: string,
  metadata: Readonly<Record<string, unknown>>,
): Promise<ServiceCIDR | undefined> {
  try {
    return await client.patch(serviceCIDRs, { name }, { type: 'strategic', body: { metadata } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

async function setCondition(
  { client, clock }: ControllerContext,
  range: ServiceCIDR,
  wanted: typeof READY | typeof TERMINATING,
): Promise<void> {
  const current = range.status?.conditions?.find(({ type }) => type === 'Ready');
  const isSame =
    current?.status === wanted.status &&
    (current.reason ?? '') === wanted.reason &&
    current.message === wanted.message;
  if (isSame) return;
  const condition = { type: 'Ready', ...wanted, lastTransitionTime: formatTime(clock.now()) };
  await client.patch(
    serviceCIDRs,
    { name: range.metadata.name! },
    { type: 'strategic', body: { status: { conditions: [condition] } } },
    { subresource: 'status', fieldManager: 'service-cidr-controller' },
  );
}
