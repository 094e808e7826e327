/** Keeps in the status of quotas what is used of them. Mirrors resourcequota, counting by events instead of by listing. */
import { isQuotaNameOf } from '../../api/groups/core/quota.ts';
import type { ResourceType } from '../../api/machinery/client.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { keyOf, type KubeObject } from '../../api/machinery/object-meta.ts';
import { formatQuantity, ZERO_QUANTITY } from '../../api/machinery/quantity.ts';
import { resourceQuotas, type ResourceQuota } from '../../openapi/generated/core-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
  Reconciler,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { UsageTracker } from './usage-tracker.ts';

/** Not counted by quotas: upstream ignores events, which come and go by themselves. */
const IGNORED = new Set(['events', 'bindings']);
/** Admission tells of new objects before their writers are answered; here they are looked after, in case it could not. */
const NEW_OBJECT_DELAY_MS = 1_000;

export const resourceQuotaController: ControllerDefinition = {
  name: 'resourcequota-controller',
  aliases: ['resourcequota'],
  description: {
    does: 'Keeps what is used of quotas: objects of every kind, what pods ask for, storage, ports and devices by class, within their scopes.',
    watches: ['*'],
    writes: ['resourcequotas/status'],
  },
  setup: (context) => new QuotaController(context),
};

class QuotaController implements RunningController {
  readonly #context: ControllerContext;
  readonly #quotas: Informer<ResourceQuota>;
  readonly #counted: readonly (readonly [ResourceType<KubeObject>, Informer<KubeObject>])[];
  readonly #tracker: UsageTracker;
  readonly #reconciler: Reconciler;
  #started = false;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('resourcequota-controller') };
    this.#context = context;
    this.#quotas = context.informer(resourceQuotas);
    this.#reconciler = createReconciler({
      name: 'resourcequota',
      context,
      workers: 5,
      reconcile: (key) => this.#reconcile(key),
    });
    this.#tracker = new UsageTracker((key, isByNew) =>
      this.#reconciler.queue.addAfter(key, isByNew ? NEW_OBJECT_DELAY_MS : 0),
    );
    this.#counted = context.client
      .resources(['list', 'watch', 'create'])
      .filter(({ namespaced, resource }) => namespaced && !IGNORED.has(resource))
      .map((resource) => [resource, context.informer(resource)] as const);
    for (const [resource, informer] of this.#counted) {
      informer.addHandler({
        added: (object) => this.#tracker.put(resource, object, true),
        updated: (object) => this.#tracker.put(resource, object, false),
        deleted: (object) => this.#tracker.remove(object),
      });
    }
    this.#quotas.addHandler({
      added: (quota) => this.#quotaChanged(quota),
      updated: (quota, old) => {
        if (!equalJSON(quota.spec, old.spec)) this.#quotaChanged(quota);
        else if (!equalJSON(quota.status, old.status)) this.#reconciler.queue.add(keyOf(quota));
      },
      deleted: (quota) => this.#tracker.untrack(quota),
    });
  }

  /** Before this, caches may be half full: quotas are counted from whole ones. */
  start(): void {
    this.#started = true;
    for (const quota of this.#quotas.list()) this.#quotaChanged(quota);
    this.#reconciler.start?.();
  }

  async stop(): Promise<void> {
    await this.#reconciler.stop?.();
  }

  #quotaChanged(quota: ResourceQuota): void {
    if (this.#started) this.#tracker.track(quota, this.#objectsIn(quota.metadata.namespace!));
  }

  *#objectsIn(namespace: string): Iterable<readonly [ResourceType<KubeObject>, KubeObject]> {
    for (const [resource, informer] of this.#counted)
      for (const object of informer.list(namespace)) yield [resource, object];
  }

  async #reconcile(key: string): Promise<void> {
    const quota = this.#quotas.get(key);
    const totals = quota === undefined ? undefined : this.#tracker.totals(quota);
    if (quota === undefined || totals === undefined) return;
    const hard = quota.spec.hard ?? {};
    const before = quota.status?.used ?? {};
    const used = Object.fromEntries(
      Object.keys(hard)
        .sort()
        .flatMap((name) => {
          if (this.#isCounted(name))
            return [[name, formatQuantity(totals.get(name) ?? ZERO_QUANTITY)] as const];
          // Others may count what this controller knows nothing of.
          return before[name] === undefined ? [] : [[name, before[name]] as const];
        }),
    );
    const status = { ...(quota.spec.hard === undefined ? {} : { hard }), used };
    if (equalJSON(quota.status, status)) return;
    await this.#context.client
      .update(resourceQuotas, { ...quota, status }, { subresource: 'status' })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }

  #isCounted(name: string): boolean {
    return this.#counted.some(([resource]) => isQuotaNameOf(resource, name));
  }
}
