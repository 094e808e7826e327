/**
 * The client that controllers, the scheduler, kubelets and library users hold. The server's loopback client implements
 * it in process (through admission and validation, without a socket); another may speak HTTP. Nobody who holds it can
 * tell which.
 *
 * Objects that come out of `list` and `watch` are shared between all readers: treat them as frozen and copy before
 * changing (`structuredCopy`). Objects that come out of `get`, `create`, `update` and `patch` are likewise shared.
 *
 * Errors: every method rejects with a `StatusError`.
 */
import type { Scale } from '../../openapi/generated/autoscaling-v1.ts';
import type { KubeObject } from './object-meta.ts';

/** A resource at one version, with the TypeScript type of its objects. Generated for every built-in kind. */
export interface ResourceType<T extends KubeObject> {
  readonly group: string;
  readonly version: string;
  /** Plural name. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: carries the type. */
  readonly object?: T;
}

/** What `create` takes: no status, no server-made metadata needed. */
export type Draft<T extends KubeObject> = Omit<T, 'status' | 'apiVersion' | 'kind'> & {
  status?: unknown;
  apiVersion?: string;
  kind?: string;
};

export interface Target {
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string;
  readonly name: string;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
}

export interface List<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  /** `status`, `scale`, `binding`, ...: writes that part only. */
  readonly subresource?: string;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Events after this resourceVersion. */
  readonly resourceVersion: string;
}

export interface WatchHandler<T extends KubeObject> {
  event(event: WatchEvent<T>): void;
  /** The watch is over; list again and watch anew. `error` is a StatusError (410 when too old), or undefined on a clean end. */
  ended(error: Error | undefined): void;
}

/** `apply` is server-side apply to an object that is there; fields that others hold are taken from them. */
export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface Client {
  get<T extends KubeObject>(resource: ResourceType<T>, target: Target): Promise<T>;
  /** The scale subresource; NotFound for kinds without one. `patch` with `subresource: 'scale'` writes it. */
  getScale(resource: ResourceType<KubeObject>, target: Target): Promise<Scale>;
  list<T extends KubeObject>(resource: ResourceType<T>, options?: ListOptions): Promise<List<T>>;
  /** Returns how to stop it; `ended` is not called after stopping. */
  watch<T extends KubeObject>(
    resource: ResourceType<T>,
    options: WatchOptions,
    handler: WatchHandler<T>,
  ): () => void;
  create<T extends KubeObject>(
    resource: ResourceType<T>,
    object: Draft<T>,
    options?: WriteOptions,
  ): Promise<T>;
  /** PUT. Conflict unless `metadata.resourceVersion` is current (or absent, where the kind allows that). */
  update<T extends KubeObject>(resource: ResourceType<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(
    resource: ResourceType<T>,
    target: Target,
    patch: { readonly type: PatchType; readonly body: unknown },
    options?: WriteOptions,
  ): Promise<T>;
  delete<T extends KubeObject>(
    resource: ResourceType<T>,
    target: Target,
    options?: DeleteOptions,
  ): Promise<void>;
  deleteCollection<T extends KubeObject>(
    resource: ResourceType<T>,
    options: ListOptions & DeleteOptions,
  ): Promise<void>;
  /** POST to a named subresource whose body is another kind (binding, eviction, token). Returns what it answers. */
  createSubresource<T extends KubeObject>(
    resource: ResourceType<T>,
    target: Target,
    subresource: string,
    body: unknown,
  ): Promise<unknown>;
  /** Every resource served now that has the given verbs, for the garbage collector and the namespace controller. */
  resources(verbs: readonly string[]): readonly ResourceType<KubeObject>[];
  /** The resource whose objects are of this kind in this version; undefined when that is not served. */
  resourceOf(apiVersion: string, kind: string): ResourceType<KubeObject> | undefined;
  /** The same client under another identity; writes carry it as field manager and user. */
  as(component: string): Client;
}

/** A deep copy of JSON data. */
export function structuredCopy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(structuredCopy) as T;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = structuredCopy((value as Record<string, unknown>)[key]);
    if (key === '__proto__') {
      Object.defineProperty(copy, key, {
        value: member,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } else copy[key] = member;
  }
  return copy as T;
}
