/** What the objects of a namespace use of its quotas. */
import {
  addUsage,
  isInScope,
  quotaUsage,
  type QuotaResource,
  type Usage,
} from '../../api/groups/core/quota.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { ZERO_QUANTITY, type Quantity } from '../../api/machinery/quantity.ts';
import type { ResourceQuota } from '../../openapi/generated/core-v1.ts';
import type { ObjectReader } from './reader.ts';

/** Counts the objects of a namespace, stored and about to be. */
export class QuotaLedger {
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

  /** What is used of `names` by objects of the resource; by one that is being written, as it is before. */
  used(
    quota: ResourceQuota,
    resource: QuotaResource,
    names: readonly string[],
    namespace: string,
    object?: UnknownObject,
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
