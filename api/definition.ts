/**
 * A resource as data plus pure hooks. Routes, discovery, OpenAPI, storage keys, tables and the generic CRUD tests all
 * derive from it. It is the shape of a CustomResourceDefinition spec with an optional `strategy`: a custom resource is a
 * definition without one, so built-in and custom kinds share one path.
 *
 * Names, versions, verbs and subresources of built-in kinds come from the facts; `api/groups/*` adds the behaviour of
 * each kind (`ResourceBehaviour`), `api/groups/index.ts` joins the two.
 */
import type { FieldError } from './machinery/errors.ts';
import type { UnknownObject, KubeObject } from './machinery/object-meta.ts';
import type { GroupVersionKind } from './machinery/gvk.ts';
import type { NameRule } from './machinery/names.ts';
import type { StructSchema } from './machinery/schema.ts';

export interface ResourceDefinition {
  readonly group: string;
  readonly names: {
    readonly plural: string;
    readonly singular: string;
    readonly kind: string;
    readonly listKind: string;
    readonly shortNames: readonly string[];
    readonly categories: readonly string[];
  };
  readonly namespaced: boolean;
  /** Alphabetical. */
  readonly verbs: readonly string[];
  /** Served versions, preferred first. */
  readonly versions: readonly VersionDefinition[];
  /** The version objects are stored in (one of the schemas, served or not). */
  readonly storageVersion: VersionDefinition;
  readonly subresources: readonly SubresourceDefinition[];
  /** Where objects are kept, when another resource keeps them (events.k8s.io events are core events). */
  readonly storedAs: { readonly group: string; readonly resource: string };
  readonly behaviour: ResourceBehaviour;
}

export interface VersionDefinition {
  readonly name: string;
  readonly schema: StructSchema;
  /** Sent as a Warning header on every use, when the version is deprecated. */
  readonly deprecationWarning?: string;
}

export interface SubresourceDefinition {
  readonly name: string;
  readonly verbs: readonly string[];
  /** Kind read and written, when not the parent's. */
  readonly kind?: GroupVersionKind;
  readonly schema?: StructSchema;
}

/** What hooks may know of a write beyond the objects. */
export interface WriteFacts {
  readonly user: {
    readonly name: string;
    readonly uid?: string;
    readonly groups: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly nowMs: number;
  /** Collects texts for Warning headers. */
  readonly warnings: string[];
}

/** What a write through a subresource that has the shape of the object may change (`approval`, `resize`, ...). */
export interface PartBehaviour<T extends KubeObject = UnknownObject> {
  /** Takes everything that the part does not cover over from `old`, in place. */
  prepareForUpdate(object: T, old: T, facts: WriteFacts): void;
  validateUpdate(object: T, old: T): FieldError[];
}

/** What a kind does beyond the generic. All hooks are pure: they see objects, not the cluster. */
export interface ResourceBehaviour<T extends KubeObject = UnknownObject> {
  /** Fills in defaults beyond those declared in the schema, in place. Must be idempotent. Also runs on read. */
  setDefaults?(object: T): void;
  /**
   * Called on create after metadata is filled and before validation; changes `object` in place. Status was cleared
   * already unless `keepsStatusOnCreate`. What is given up silently upstream, with a word to the client, goes into
   * `warnings`.
   */
  prepareForCreate?(object: T, facts: WriteFacts): void;
  /** Called on update of the main resource, after status was taken over from `old`; changes `object` in place. */
  prepareForUpdate?(object: T, old: T, facts: WriteFacts): void;
  /** Called on update of the status subresource, after everything but status was taken over from `old`. */
  prepareForStatusUpdate?(object: T, old: T, facts: WriteFacts): void;
  /**
   * Field errors of a new object, in upstream's order. Metadata was validated already (names by `validateName`).
   * `version` is the apiVersion the client spoke, for the rare rule that differs by version.
   */
  validate?(object: T, version?: string): FieldError[];
  /** Field errors of a change; `validate` is not called for updates, call it from here where upstream does. */
  validateUpdate?(object: T, old: T, version?: string): FieldError[];
  validateStatusUpdate?(object: T, old: T): FieldError[];
  /** Texts of Warning headers for a created or updated object; `subresource` is '' for the main resource. */
  warnings?(object: T, old: T | undefined, subresource: string): string[];
  /** Subresources in the shape of the object, by name, other than status and finalize. */
  readonly parts?: Readonly<Record<string, PartBehaviour<T>>>;
  /** What `metadata.name` may be. Default `dns-subdomain`. */
  readonly nameRule?: NameRule;
  /** Metadata of a new object is looked at only when the rest is in order: upstream's strategy leaves it out. */
  readonly checksMetadataLast?: boolean;
  /** Finalizers need no domain (groups outside the core repository, custom resources). */
  readonly allowBareFinalizers?: boolean;
  /** PUT creates when the object is missing. */
  readonly allowCreateOnUpdate?: boolean;
  /** PUT without resourceVersion is allowed. Default true. */
  readonly allowUnconditionalUpdate?: boolean;
  /** `metadata.generation` starts at 1 and counts changes of spec; with `changes` it starts with the first change. */
  readonly countsGeneration?: boolean | 'changes';
  /** What `metadata.generation` counts changes of. Default: everything but metadata and status. */
  generationView?(object: T): unknown;
  /** Create keeps `status` of the body (Node). */
  readonly keepsStatusOnCreate?: boolean;
  /** DELETE answers with the object instead of a Status. */
  readonly deleteReturnsObject?: boolean;
  /** Propagation when the caller says nothing. Default `Background`. */
  readonly defaultPropagation?: 'Background' | 'Orphan';
  /**
   * Grace period of a delete in seconds, for kinds that end gracefully (pods); `requested` is the caller's, if any. 0 or
   * absent hook: removed at once.
   */
  gracePeriodSeconds?(object: T, requested: number | undefined): number;
  /** Field selectors beyond metadata.name and metadata.namespace. */
  readonly fieldSelectors?: Readonly<Record<string, (object: T) => string>>;
  /**
   * Converts an object of one version's shape into another's, returning a new object; `from` and `to` are apiVersions
   * (`autoscaling/v1`, `v1`). Identity when absent. A kind that another resource stores converts to and from that one's.
   */
  convert?(object: T, from: string, to: string): UnknownObject;
  /** True while something other than metadata.finalizers keeps a deleted object (namespaces: spec.finalizers). */
  isHeld?(object: T): boolean;
  /** Replaces members of the object when its deletion begins (namespaces: phase Terminating); what is in them is shared. */
  prepareForDeletion?(object: T): void;
  /** What writes take no notice of, by subresource ('' is the main resource), where it is not status, or spec for status. */
  readonly resetFields?: Readonly<Record<string, ResetFields>>;
  /** Where replicas and selector are, for kinds with a scale subresource. */
  readonly scale?: ScaleMapping<T>;
  /** Columns of `kubectl get`. Default: name and age. */
  readonly table?: TableDefinition<T>;
}

export type { NameRule };

/** Dotted paths that are left out, or that alone count; `*` stands for any item of a list. */
export type ResetFields = { readonly exclude: readonly string[] } | { readonly include: readonly string[] };

export interface ScaleMapping<T extends KubeObject = UnknownObject> {
  specReplicas(object: T): number;
  setSpecReplicas(object: T, replicas: number): void;
  statusReplicas(object: T): number;
  /** The selector as text, as `status.selector` of Scale has it. */
  selector(object: T): string;
}

export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** `name` on the first column. */
  readonly format?: string;
  readonly description: string;
  /** 0 always shown, 1 only with `-o wide`. */
  readonly priority: number;
}

export interface TableContext {
  /** Epoch milliseconds ages are counted to. */
  readonly nowMs: number;
}

export interface TableDefinition<T extends KubeObject = UnknownObject> {
  readonly columns: readonly TableColumn[];
  /** One cell a column. */
  cells(object: T, context: TableContext): (string | number | boolean | null)[];
  /** Row conditions (Completed for pods that ended). */
  conditions?(object: T): { type: string; status: string; reason: string; message: string }[];
}

/** Gives a behaviour written for a precise type the general type that registries hold. */
export function defineBehaviour<T extends KubeObject>(behaviour: ResourceBehaviour<T>): ResourceBehaviour {
  return behaviour as unknown as ResourceBehaviour;
}

/** Gives a part written for a precise type the general type that definitions hold. */
export function definePart<T extends KubeObject>(part: PartBehaviour<T>): PartBehaviour {
  return part as unknown as PartBehaviour;
}

/** Behaviours of one API group by plural name. */
export type GroupBehaviours = Readonly<Record<string, ResourceBehaviour>>;
