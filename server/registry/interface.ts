/**
 * What the verb handlers and the loopback client call: CRUD on any resource, with admission, validation, defaulting,
 * optimistic locking, finalizers and dry run, written once for all kinds. Nothing here knows HTTP; nothing above knows
 * keys.
 *
 * Objects are plain JSON in the shape of the definition's storage version inside the registry. `version` names the shape
 * the caller speaks; the registry converts on the way in and out.
 */
import type { Outline } from './outline.ts';
import type { ResourceDefinition, SubresourceDefinition } from '../../api/definition.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';

export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Facts of one request, carried as one argument. */
export interface RequestContext {
  readonly user: UserInfo;
  /** Who of several that act as one user it is, for whoever asks who wrote what. Default: the user's name. */
  readonly writer?: string;
  /** Collects texts for Warning headers. */
  readonly warnings: string[];
  /** Aborted when the client went away or the deadline passed. */
  readonly signal?: AbortSignal;
}

/** A resource at the version the caller speaks. */
export interface ResourceTarget {
  readonly definition: ResourceDefinition;
  readonly version: string;
}

export interface Scope {
  /** '' for cluster-scoped resources, and for all namespaces in list and watch. */
  readonly namespace: string;
}

export interface ObjectTarget extends Scope {
  readonly name: string;
}

/**
 * An object as it leaves the registry. `bytes` is the compact JSON in the version asked for, with a trailing newline
 * left out; the buffer is the stored one whenever versions agree. `object` is shared: never change it. Where the bytes are
 * the stored ones it is decoded when it is asked for, so do not ask in vain.
 */
export interface ResultObject {
  readonly bytes: Buffer;
  /** `bytes` and a newline, where they stand together. */
  readonly document?: Buffer;
  readonly object: UnknownObject;
  readonly revision: number;
  /** What tables and metadata show of it, for less than decoding it. Absent: made from `object`. */
  outline?(): Outline;
}

export interface ReadOptions {
  /** '' or '0': current. Otherwise at least that revision (waits up to 3 s). */
  readonly resourceVersion?: string;
}

export interface ListReadOptions extends ReadOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersionMatch?: string;
}

export interface ListOutcome {
  readonly items: readonly ResultObject[];
  /** Of the snapshot; the same on every page. */
  readonly resourceVersion: string;
  readonly continue?: string;
  /** Present on a page with more to come when no selector was given. */
  readonly remainingItemCount?: number;
}

export interface WatchReadOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  /** Watches have no pages; upstream only minds it beside resourceVersionMatch. */
  readonly continue?: string;
}

export type RegistryEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly result: ResultObject }
  /** `initialEventsEnd` asks for the `k8s.io/initial-events-end` annotation. */
  | { readonly type: 'BOOKMARK'; readonly revision: number; readonly initialEventsEnd: boolean };

export interface RegistryWatchListener {
  /** In revision order, one batch per commit (or per initial state). Called synchronously. */
  events(events: readonly RegistryEvent[]): void;
  /** `error` is a StatusError; undefined on a clean end. */
  ended(error: Error | undefined): void;
}

export interface RegistryWatch {
  /** Revision up to which everything was handed out: what a bookmark may say. */
  readonly revision: number;
  cancel(): void;
}

export interface WriteOptions {
  readonly dryRun: boolean;
  /** Name of the field manager; recorded in managedFields. */
  readonly fieldManager: string;
  /**
   * Whether the registry works out managedFields. Default true; false when the object comes with the right ones: an apply
   * has them, and what the server does itself leaves them as they are.
   */
  readonly tracked?: boolean;
  /** Asked before a valid object is created by a write that may do either; throws 403. */
  authorizeCreate?(): Promise<void>;
}

export interface UpdateOptions extends WriteOptions {
  /** Which part is written; absent: the main resource. */
  readonly subresource?: SubresourceDefinition;
  /** PUT on a missing object creates it where the kind allows that. Default false. */
  readonly mayCreate?: boolean;
  /** A missing object is created whatever the kind says of PUT (server-side apply). Default false. */
  readonly forceCreate?: boolean;
}

export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/**
 * Makes the new object from the current one (undefined when missing): what PUT and each kind of PATCH differ in. The
 * current one is shared and never changed. The new one is changed by the registry: it may have parts of the current one in it
 * only when it is written through a subresource, and metadata or parts the subresource does not cover. Called again after
 * a conflict when the caller's object carried no resourceVersion.
 */
export type ObjectUpdater = (current: UnknownObject | undefined) => UnknownObject | Promise<UnknownObject>;

export interface ResourceRegistry {
  /** What `get` answers when it is asked for no revision, at once. Throws where `get` rejects. */
  current(target: ResourceTarget, object: ObjectTarget): ResultObject;
  get(
    context: RequestContext,
    target: ResourceTarget,
    object: ObjectTarget,
    options: ReadOptions,
  ): Promise<ResultObject>;
  list(
    context: RequestContext,
    target: ResourceTarget,
    scope: Scope,
    options: ListReadOptions,
  ): Promise<ListOutcome>;
  /** Errors that precede the stream are thrown (selectors, options); 410 may come through `ended`. */
  watch(
    context: RequestContext,
    target: ResourceTarget,
    scope: Scope,
    options: WatchReadOptions,
    listener: RegistryWatchListener,
  ): Promise<RegistryWatch>;
  /** `object` was decoded and canonicalised for `target.version`; the registry may change it. */
  create(
    context: RequestContext,
    target: ResourceTarget,
    scope: Scope,
    object: UnknownObject,
    options: WriteOptions,
  ): Promise<ResultObject>;
  update(
    context: RequestContext,
    target: ResourceTarget,
    object: ObjectTarget,
    updater: ObjectUpdater,
    options: UpdateOptions,
  ): Promise<{ readonly result: ResultObject; readonly created: boolean }>;
  /** `gone` is false while finalizers or a grace period keep the object. */
  delete(
    context: RequestContext,
    target: ResourceTarget,
    object: ObjectTarget,
    options: DeleteOptions,
  ): Promise<{ readonly result: ResultObject; readonly gone: boolean }>;
  deleteCollection(
    context: RequestContext,
    target: ResourceTarget,
    scope: Scope,
    list: ListReadOptions,
    options: DeleteOptions,
  ): Promise<ListOutcome>;
}
