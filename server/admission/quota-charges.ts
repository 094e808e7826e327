/**
 * Writes into the status of quotas what admitted objects use of them, so that whoever was answered can read it. Mirrors
 * UpdateQuotaStatus of apiserver admission/plugin/resourcequota, which adds up before the object is stored; here it is
 * counted from what is stored, and many writes at a time are told in one.
 */
import type { QuotaResource } from '../../api/groups/core/quota.ts';
import type { Client } from '../../api/machinery/client.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { formatQuantity } from '../../api/machinery/quantity.ts';
import { resourceQuotas, type ResourceQuota } from '../../openapi/generated/core-v1.ts';
import type { QuotaLedger } from './quota-ledger.ts';
import type { ObjectReader } from './reader.ts';

/** A quota, and the names in it that a write uses more of. */
export interface Charge {
  readonly quota: ResourceQuota['metadata'];
  readonly names: readonly string[];
}

export interface QuotaChargesOptions {
  readonly reader: ObjectReader;
  readonly client: () => Client;
  readonly ledger: QuotaLedger;
}

/** Names to be counted anew, by the resource whose objects use them. */
type Changes = Map<string, { readonly resource: QuotaResource; readonly names: Set<string> }>;

interface Turn {
  readonly changes: Changes;
  readonly done: Promise<void>;
}

const QUOTAS = { group: '', resource: 'resourcequotas' };
/** The controller writes, too. */
const CONFLICT_TRIES = 20;

export class QuotaCharges {
  readonly #options: QuotaChargesOptions;
  /** The write that waits for the one under way, by quota. */
  readonly #waiting = new Map<string, Turn>();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: QuotaChargesOptions) {
    this.#options = options;
  }

  /** Resolves once every quota says what is used of it. */
  async write(resource: QuotaResource, charges: readonly Charge[]): Promise<void> {
    await Promise.all(charges.map((charge) => this.#join(resource, charge)));
  }

  /** Counts along with the next write of the quota. */
  #join({ group, resource }: QuotaResource, { quota, names }: Charge): Promise<void> {
    const key = `${quota.namespace}/${quota.name}`;
    let turn = this.#waiting.get(key);
    if (turn === undefined) this.#waiting.set(key, (turn = this.#nextTurn(key, quota)));
    const kind = `${resource}.${group}`;
    const known = turn.changes.get(kind)?.names ?? [];
    turn.changes.set(kind, { resource: { group, resource }, names: new Set([...known, ...names]) });
    return turn.done;
  }

  #nextTurn(key: string, { namespace, name }: ResourceQuota['metadata']): Turn {
    const changes: Changes = new Map();
    // Whoever waited for the one before was told if it failed.
    const before = (this.#underWay.get(key) ?? Promise.resolve()).catch(() => {});
    const done = before.then(async () => {
      this.#waiting.delete(key);
      this.#underWay.set(key, done);
      try {
        await this.#update(namespace!, name!, changes);
      } finally {
        if (this.#underWay.get(key) === done) this.#underWay.delete(key);
      }
    });
    return { changes, done };
  }

  async #update(namespace: string, name: string, changes: Changes): Promise<void> {
    const { reader, client } = this.#options;
    for (let tries = 1; ; tries++) {
      const quota = reader.get(QUOTAS, namespace, name) as ResourceQuota | undefined;
      const used = quota === undefined ? undefined : this.#newUsage(quota, namespace, changes);
      if (quota === undefined || used === undefined) return;
      try {
        const changed = { ...quota, status: { ...quota.status, used } };
        await client().update(resourceQuotas, changed, { subresource: 'status' });
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        if (!isConflict(error) || tries >= CONFLICT_TRIES) throw error;
      }
    }
  }

  /** Undefined when the quota says so already. */
  #newUsage(quota: ResourceQuota, namespace: string, changes: Changes): Record<string, string> | undefined {
    const before = quota.status?.used ?? {};
    const now: Record<string, string> = {};
    for (const { resource, names } of changes.values()) {
      // The controller may have been told meanwhile to count something else.
      const counted = [...names].filter((each) => before[each] !== undefined);
      for (const [each, amount] of this.#options.ledger.used(quota, resource, counted, namespace))
        now[each] = formatQuantity(amount);
    }
    const isSame = Object.entries(now).every(([each, amount]) => before[each] === amount);
    return isSame ? undefined : { ...before, ...now };
  }
}
