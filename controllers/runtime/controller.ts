/**
 * How controllers read: an informer keeps a cache of a resource and says which keys changed; the keys go into a
 * workqueue; workers call `reconcile` with a key, never with an event. Level-triggered: `reconcile` looks at the state as
 * it is now and may be called any number of times.
 */
import type { IPFamily } from '../../api/groups/common/prefix.ts';
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import type { Metrics } from '../../api/machinery/metrics.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import type { Random } from '../../api/machinery/random.ts';
import type { TaskTracker } from '../../api/machinery/tasks.ts';

/** Nothing: done. `requeueAfterMs`: look again at that time. A thrown error: again, with back-off. */
export interface Result {
  readonly requeueAfterMs?: number;
  /** Set when the key is looked at again whatever happens (a resync): the cluster is settled in spite of it. */
  readonly recurring?: boolean;
}

export type Reconcile = (key: string) => Promise<Result | void>;

/** A cache of one resource, kept current by list and watch. Objects are shared: never change them. */
export interface Informer<T extends KubeObject> {
  readonly resource: ResourceType<T>;
  /** By `namespace/name`, or `name`. */
  get(key: string): T | undefined;
  list(namespace?: string): readonly T[];
  /** Objects filed under `value` by the index `name`. */
  byIndex(name: string, value: string): readonly T[];
  /** Adds an index; call before start. `values` gives the entries an object is filed under. */
  addIndex(name: string, values: (object: T) => readonly string[]): void;
  /** Calls the handlers for every object already there and every change to come. */
  addHandler(handler: InformerHandler<T>): void;
  readonly hasSynced: boolean;
  /** Whether the cache is at least as new as `resourceVersion`. */
  hasSeen(resourceVersion: string): boolean;
}

export interface InformerHandler<T extends KubeObject> {
  added?(object: T): void;
  updated?(object: T, old: T): void;
  deleted?(object: T): void;
}

/** Keys waiting to be worked on: each at most once, never two workers on one key, back-off on failure. */
export interface Workqueue {
  add(key: string): void;
  /** Adds `key` after a delay; an earlier pending delay of the same key wins. */
  addAfter(key: string, delayMs: number, options?: { readonly recurring?: boolean }): void;
  /** Adds `key` after its back-off: 5 ms doubling to 1000 s, until `forget`. */
  addRateLimited(key: string): void;
  forget(key: string): void;
  /** How often `key` was rate limited since `forget`. */
  retries(key: string): number;
  readonly length: number;
}

/** Everything a controller gets to work with. */
export interface ControllerContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly tasks: TaskTracker;
  readonly logger: Logger;
  /** Counts what workqueues do. */
  readonly metrics?: Metrics;
  /** The shared informer of a resource; the same one for all controllers. */
  informer<T extends KubeObject>(resource: ResourceType<T>): Informer<T>;
  /** Records events as `component`, as upstream's recorder does. */
  recorder(component: string, host?: string): EventRecorder;
  readonly options: ControllerOptions;
}

export interface CertificateSigner {
  /**
   * The certificate as PEM, good for `lifetimeMs` milliseconds, with the usages of the API. Throws an Error when `pem` is no
   * request for one that is signed with its own key.
   */
  sign(pem: string, usages: readonly string[], lifetimeMs: number): string;
}

/** Somebody who may do something or not, as requests for certificates name them. */
export interface Requester {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Settings of the cluster that controllers and nodes read. */
export interface ControllerOptions {
  /** What services have ranges of, the default one first. */
  readonly ipFamilies: readonly IPFamily[];
  /** The ranges of services the cluster was started with. */
  readonly serviceCIDRs: readonly string[];
  /** Networks for pods, one a family, from which nodes get theirs. Default: one for each of `ipFamilies`. */
  readonly clusterCIDRs?: readonly string[];
  /** Node ports of services, both ends included. */
  readonly nodePorts: { readonly first: number; readonly last: number };
  /** Number of simulated nodes. */
  readonly nodes: number;
  /** PEM of the cluster's certificate authority, for kube-root-ca.crt. */
  readonly caCertificate: string;
  /** Signs with that authority. Without it requests for certificates stay unsigned. */
  readonly signer?: CertificateSigner;
  /** Whether somebody may create such a part of a certificate signing request. Without it nobody may. */
  readonly mayRequest?: (requester: Requester, subresource: string) => Promise<boolean>;
  /** A token for a service account, bound to a secret, that does not expire. Without it secrets stay empty. */
  readonly issueToken?: (account: KubeObject, secret: KubeObject) => Promise<string>;
  /** Version nodes report, for example `v1.36.2`. */
  readonly kubernetesVersion: string;
}

export interface EventRecorder {
  /**
   * Records an event about `object`. Counts up an equal one instead of making a second. Never fails, never waits.
   * `fieldPath` is `spec.containers{name}` and its like. With an `action` it is an event of the newer kind, as the scheduler
   * writes them: with a time in microseconds and a series in place of a count.
   */
  event(
    object: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    options?: {
      readonly fieldPath?: string;
      readonly action?: string;
    },
  ): void;
}

/** What docs/controllers.md says about a controller; `npm run generate` writes the page. */
export interface ControllerDescription {
  /** One or two sentences. */
  readonly does: string;
  /** Plural names of the resources it has informers of, sorted; `*` for every kind there is. */
  readonly watches: readonly string[];
  /** Plural names of what it creates, changes or deletes, with `/subresource` where it is only that. Events aside. */
  readonly writes: readonly string[];
  /** Reasons of the events it records. Default none. */
  readonly events?: readonly string[];
  /** What the one of kube-controller-manager does and this one does not. Default nothing. */
  readonly leavesOut?: readonly string[];
}

/** A running controller, as `controllers/index.ts` lists it. */
export interface ControllerDefinition {
  /** Name as kube-controller-manager's --controllers takes it, for example `deployment-controller`. */
  readonly name: string;
  /** Older names that --controllers takes as well, for example `deployment`. */
  readonly aliases?: readonly string[];
  /** Not started unless named. */
  readonly disabledByDefault?: boolean;
  readonly description: ControllerDescription;
  /** Called once, before informers start: adds handlers and indexes, returns how to run. */
  setup(context: ControllerContext): RunningController;
}

export interface RunningController {
  /** Called when all informers have synced. */
  start?(): void;
  stop?(): void | Promise<void>;
}

/**
 * Joins a workqueue to a reconcile function: `workers` at a time, errors retried with back-off, everything tracked.
 * Returned by `runtime/reconciler.ts`.
 */
export interface Reconciler extends RunningController {
  readonly queue: Workqueue;
}
