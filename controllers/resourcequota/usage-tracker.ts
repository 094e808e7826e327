/** Sums of what the objects of namespaces use, kept object by object; only namespaces with quotas are looked at. */
import {
  addUsage,
  isInScope,
  quotaUsage,
  type QuotaResource,
  type Usage,
} from '../../api/groups/core/quota.ts';
import type { KubeObject, UnknownObject } from '../../api/machinery/object-meta.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { subtractQuantity, ZERO_QUANTITY, type Quantity } from '../../api/machinery/quantity.ts';
import type { ResourceQuota } from '../../openapi/generated/core-v1.ts';

interface Tracked {
  quota: ResourceQuota;
  readonly totals: Map<string, Quantity>;
  /** What each object was counted with, by UID. */
  readonly counted: Map<string, Usage>;
}

export class UsageTracker {
  readonly #quotas = new Map<string, Map<string, Tracked>>();
  readonly #changed: (key: string, isByNew: boolean) => void;

  /** `changed` is called with the key of a quota whose sums changed, and whether a new object changed them. */
  constructor(changed: (key: string, isByNew: boolean) => void) {
    this.#changed = changed;
  }

  /** Tracks a quota from now on; `existing` are all objects of its namespace. */
  track(quota: ResourceQuota, existing: Iterable<readonly [QuotaResource, KubeObject]>): void {
    const namespace = quota.metadata.namespace!;
    let tracked = this.#quotas.get(namespace);
    if (tracked === undefined) this.#quotas.set(namespace, (tracked = new Map()));
    const entry: Tracked = { quota, totals: new Map(), counted: new Map() };
    tracked.set(keyOf(quota), entry);
    for (const [resource, object] of existing) count(entry, resource, object);
    this.#changed(keyOf(quota), false);
  }

  untrack(quota: ResourceQuota): void {
    const namespace = quota.metadata.namespace!;
    const tracked = this.#quotas.get(namespace);
    tracked?.delete(keyOf(quota));
    if (tracked?.size === 0) this.#quotas.delete(namespace);
  }

  put(resource: QuotaResource, object: KubeObject, isNew: boolean): void {
    for (const [key, entry] of this.#quotas.get(object.metadata.namespace ?? '') ?? []) {
      if (count(entry, resource, object)) this.#changed(key, isNew);
    }
  }

  remove(object: KubeObject): void {
    for (const [key, entry] of this.#quotas.get(object.metadata.namespace ?? '') ?? []) {
      if (discount(entry, object.metadata.uid!)) this.#changed(key, false);
    }
  }

  /** Undefined for a quota that is not tracked. */
  totals(quota: ResourceQuota): Usage | undefined {
    return this.#quotas.get(quota.metadata.namespace!)?.get(keyOf(quota))?.totals;
  }
}

/** Returns whether a sum changed. */
function count(entry: Tracked, resource: QuotaResource, object: KubeObject): boolean {
  const unknown = object as UnknownObject;
  const uid = object.metadata.uid!;
  const usage = isInScope(entry.quota, resource, unknown) ? quotaUsage(resource, unknown) : undefined;
  const before = entry.counted.get(uid);
  if (before !== undefined && usage !== undefined && sameUsage(before, usage)) return false;
  const isLess = discount(entry, uid);
  if (usage === undefined) return isLess;
  entry.counted.set(uid, usage);
  for (const [name, amount] of usage)
    entry.totals.set(name, addUsage(entry.totals.get(name) ?? ZERO_QUANTITY, amount));
  return true;
}

function discount(entry: Tracked, uid: string): boolean {
  const usage = entry.counted.get(uid);
  if (usage === undefined) return false;
  entry.counted.delete(uid);
  for (const [name, amount] of usage)
    entry.totals.set(name, subtractQuantity(entry.totals.get(name)!, amount));
  return true;
}

function sameUsage(a: Usage, b: Usage): boolean {
  return a.size === b.size && [...a].every(([name, { nano }]) => b.get(name)?.nano === nano);
}
