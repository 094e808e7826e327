/**
 * Refuses what would use more than the quotas of a namespace allow. Usage is counted from the objects that are there and
 * those about to be stored, so that writes at the same time cannot share what is left. Mirrors apiserver
 * admission/plugin/resourcequota and pkg/quota/v1/evaluator.
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
  ZERO_QUANTITY,
  type Quantity,
} from '../../api/machinery/quantity.ts';
import type { Pod, ResourceQuota } from '../../openapi/generated/core-v1.ts';
import type { AdmissionContext } from './index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './plugin.ts';
import type { ObjectReader } from './reader.ts';

const QUOTAS = { group: '', resource: 'resourcequotas' };

export function resourceQuota({ reader }: AdmissionContext): AdmissionPlugin {
  const ledger = new Ledger(reader);
  return {
    name: 'ResourceQuota',
    validate: (request) => {
      const { namespace, definition, dryRun, object, settled } = request;
      if (namespace === '' || object === undefined) return;
      const resource = { group: definition.group, resource: definition.names.plural };
      if (!isCounted(resource, request)) return;
      const quotas = reader.list(QUOTAS, namespace) as unknown as readonly ResourceQuota[];
      if (quotas.length === 0 || !checkQuotas(quotas, ledger, resource, request)) return;
      if (!dryRun) settled.push(ledger.reserve(resource, object));
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

/** Returns whether any quota has to do with the write; throws when one does not allow it. */
function checkQuotas(
  quotas: readonly ResourceQuota[],
  ledger: Ledger,
  resource: QuotaResource,
  request: AdmissionRequest,
): boolean {
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
  for (const { quota, names } of matching) {
    const requested = moreUsage(usage, quota, names, resource, request.oldObject);
    if (requested.size === 0) continue;
    const used = ledger.used(quota, resource, [...requested.keys()], request);
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
  return matching.length > 0;
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

/** Counts the objects of a namespace, stored and about to be. */
class Ledger {
  readonly #reader: ObjectReader;
  /** Stored objects never change, so neither does what they use. */
  readonly #usages = new WeakMap<UnknownObject, Usage>();
  readonly #pending = new Map<string, readonly [QuotaResource, UnknownObject]>();

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  /** Counts an object until the returned function is called: by then it is stored, or given up. */
  reserve(resource: QuotaResource, object: UnknownObject): () => void {
    const uid = object.metadata.uid!;
    this.#pending.set(uid, [resource, object]);
    return () => {
      if (this.#pending.get(uid)?.[1] === object) this.#pending.delete(uid);
    };
  }

  /** What is used of `names` by objects of the resource, the one of the request as it is before. */
  used(
    quota: ResourceQuota,
    resource: QuotaResource,
    names: readonly string[],
    { namespace, object }: AdmissionRequest,
  ): Usage {
    const totals = new Map<string, Quantity>(names.map((name) => [name, ZERO_QUANTITY]));
    const own = object?.metadata.uid;
    const add = (counted: UnknownObject): void => {
      if (!isInScope(quota, resource, counted)) return;
      const usage = this.#usageOf(resource, counted);
      for (const name of names) {
        const amount = usage.get(name);
        if (amount !== undefined) totals.set(name, addUsage(totals.get(name)!, amount));
      }
    };
    const pending = new Map(
      [...this.#pending].filter(
        ([uid, [of, { metadata }]]) =>
          uid !== own &&
          metadata.namespace === namespace &&
          of.resource === resource.resource &&
          of.group === resource.group,
      ),
    );
    for (const stored of this.#reader.list(resource, namespace)) {
      const uid = stored.metadata.uid!;
      add(pending.get(uid)?.[1] ?? stored);
      pending.delete(uid);
    }
    for (const [, counted] of pending.values()) add(counted);
    return totals;
  }

  #usageOf(resource: QuotaResource, object: UnknownObject): Usage {
    let usage = this.#usages.get(object);
    if (usage === undefined) this.#usages.set(object, (usage = quotaUsage(resource, object)));
    return usage;
  }
}
