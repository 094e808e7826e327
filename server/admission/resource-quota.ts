/**
 * Refuses what would use more than the quotas of a namespace allow. Usage is counted from the objects that are there and
 * those about to be stored, so that writes at the same time cannot share what is left, and told in the status of the quotas
 * before the write is answered. Mirrors apiserver admission/plugin/resourcequota and pkg/quota/v1/evaluator.
 */
import {
  addUsage,
  isInScope,
  isQuotaNameOf,
  missingResources,
  quotaUsage,
  type QuotaResource,
  type Usage,
} from '../../api/groups/core/quota.ts';
import { newForbidden } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import {
  compareQuantity,
  formatQuantity,
  parseQuantity,
  subtractQuantity,
  type Quantity,
} from '../../api/machinery/quantity.ts';
import type { Pod, ResourceQuota } from '../../openapi/generated/core-v1.ts';
import type { AdmissionContext } from './index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './plugin.ts';
import { QuotaCharges, type Charge } from './quota-charges.ts';
import { QuotaLedger } from './quota-ledger.ts';

const QUOTAS = { group: '', resource: 'resourcequotas' };

export function resourceQuota({ reader, client }: AdmissionContext): AdmissionPlugin {
  const ledger = new QuotaLedger(reader);
  const charges = new QuotaCharges({ reader, client, ledger });
  return {
    name: 'ResourceQuota',
    validate: (request) => {
      const { namespace, definition, dryRun, object, settled } = request;
      if (namespace === '' || object === undefined) return;
      const resource = { group: definition.group, resource: definition.names.plural };
      if (!isCounted(resource, request)) return;
      const quotas = reader.list(QUOTAS, namespace) as unknown as readonly ResourceQuota[];
      if (quotas.length === 0) return;
      const { isConcerned, charged } = checkQuotas(quotas, ledger, resource, request);
      if (!isConcerned || dryRun) return;
      const release = ledger.reserve(resource, object);
      settled.push(async (isStored) => {
        release();
        if (isStored) await charges.write(resource, charged);
      });
    },
  };
}

/** Whether the write may use more than before. */
function isCounted(
  { group, resource }: QuotaResource,
  { operation, subresource, object, oldObject }: AdmissionRequest,
): boolean {
  const isCreate = operation === 'CREATE' && subresource === '';
  if (group !== '') return isCreate;
  const isUpdate = operation === 'UPDATE' && subresource === '';
  switch (resource) {
    case 'events':
      return false;
    case 'pods':
      if (operation === 'UPDATE' && subresource === 'resize') return true;
      return isCreate || (isUpdate && isTerminating(object!) !== isTerminating(oldObject!));
    case 'services':
    case 'persistentvolumeclaims':
      return isCreate || isUpdate;
    default:
      return isCreate;
  }
}

function isTerminating(object: UnknownObject): boolean {
  return (object as unknown as Pod).spec.activeDeadlineSeconds !== undefined;
}

interface Verdict {
  /** Whether any quota has to do with the write. */
  readonly isConcerned: boolean;
  /** Those it takes something of. */
  readonly charged: readonly Charge[];
}

/** Throws when a quota does not allow the write. */
function checkQuotas(
  quotas: readonly ResourceQuota[],
  ledger: QuotaLedger,
  resource: QuotaResource,
  request: AdmissionRequest,
): Verdict {
  const object = request.object!;
  const refuse = (why: string): never => {
    throw newForbidden(resource, request.name === '' ? 'Unknown' : request.name, why);
  };
  const matching = quotas.flatMap((quota) => {
    const names = Object.keys(quota.status?.hard ?? {}).filter((name) => isQuotaNameOf(resource, name));
    if (names.length === 0 || !isInScope(quota, resource, object)) return [];
    const missing = missingResources(resource, object, names);
    if (missing !== undefined) refuse(`failed quota: ${quota.metadata.name}: must specify ${missing}`);
    const used = quota.status?.used ?? {};
    if (names.some((name) => !Object.hasOwn(used, name)))
      refuse(`status unknown for quota: ${quota.metadata.name}, resources: ${names.sort().join(',')}`);
    return [{ quota, names }];
  });
  const usage = quotaUsage(resource, object);
  const negative = [...usage].filter(([, { nano }]) => nano < 0n).map(([name]) => name);
  if (negative.length > 0) refuse(`quota usage is negative for resource(s): ${negative.sort().join(',')}`);
  const charged: Charge[] = [];
  for (const { quota, names } of matching) {
    const requested = moreUsage(usage, quota, names, resource, request.oldObject);
    if (requested.size === 0) continue;
    charged.push({ quota: quota.metadata, names: [...requested.keys()] });
    const used = ledger.used(quota, resource, [...requested.keys()], request.namespace, object);
    const hard = quota.status!.hard!;
    const exceeded = [...requested.keys()]
      .filter(
        (name) =>
          compareQuantity(addUsage(used.get(name)!, requested.get(name)!), parseQuantity(hard[name]!)) > 0,
      )
      .sort();
    if (exceeded.length === 0) continue;
    const list = (amounts: Usage): string =>
      exceeded.map((name) => `${name}=${formatQuantity(amounts.get(name)!)}`).join(',');
    refuse(
      `exceeded quota: ${quota.metadata.name}, requested: ${list(requested)}, used: ${list(used)}, ` +
        `limited: ${exceeded.map((name) => `${name}=${hard[name]}`).join(',')}`,
    );
  }
  return { isConcerned: matching.length > 0, charged };
}

/** What the write uses of the names beyond what the object used before, without what is no more. */
function moreUsage(
  usage: Usage,
  quota: ResourceQuota,
  names: readonly string[],
  resource: QuotaResource,
  old: UnknownObject | undefined,
): Usage {
  const before = old !== undefined && isInScope(quota, resource, old) ? quotaUsage(resource, old) : undefined;
  const more = new Map<string, Quantity>();
  for (const name of names) {
    const amount = usage.get(name);
    if (amount === undefined) continue;
    const previous = before?.get(name);
    const difference = previous === undefined ? amount : subtractQuantity(amount, previous);
    if (difference.nano > 0n) more.set(name, difference);
  }
  return more;
}
