/**
 * The shape of the data files beside this one. They are written by `openapi/generator` (Go) from the official
 * Kubernetes modules at one pinned release and hold facts only: names, numbers, types, markers. No prose.
 *
 * `types.json` holds a {@link TypesFile}, `resources.json` a {@link ResourcesFile}, `template-shape.json` a
 * {@link TemplateShapeFile}.
 */

/** Everything known about the built-in types of one Kubernetes release. */
export interface TypesFile {
  /** Release the facts were read from, for example `1.36.2`. */
  readonly kubernetes: string;
  /** Go modules and versions that were read. */
  readonly modules: Readonly<Record<string, string>>;
  /** Facts by OpenAPI definition name, for example `io.k8s.api.core.v1.Pod`; keys sorted. */
  readonly types: Readonly<Record<string, TypeFacts>>;
}

/**
 * A type expression. Grammar:
 *
 *     string | bool | int32 | int64 | uint32 | uint64 | double | bytes
 *     | any                    (any JSON value)
 *     | io.k8s....Name         (a key of TypesFile.types)
 *     | []EXPR | map[string]EXPR
 *
 * Named Go strings, maps and slices (Protocol, ResourceList, ...) are resolved to what they hold; the enum values of a
 * named string stand on the field. Pointers are not part of the expression, see {@link FieldFacts.pointer}.
 */
export type TypeExpression = string;

/** Types whose JSON form is not their Go struct. The wire form in protobuf is fixed by the codec. */
export type SpecialType =
  | 'quantity'
  | 'time'
  | 'microtime'
  | 'duration'
  | 'int-or-string'
  | 'raw-extension'
  | 'fields-v1'
  | 'json'
  | 'json-schema-props-or-array'
  | 'json-schema-props-or-bool'
  | 'json-schema-props-or-string-array';

export interface TypeFacts {
  /** Go package path of the declaration, for example `k8s.io/api/core/v1`. */
  readonly package: string;
  /** Fields in Go declaration order, which is the order of keys in JSON. Empty for special types. */
  readonly fields: readonly FieldFacts[];
  /** Set when JSON and Go shapes differ. */
  readonly special?: SpecialType;
  /** `atomic` when marked `+structType=atomic` on the type. */
  readonly structType?: 'atomic' | 'granular';
  /** Validation and other markers on the type, `name` or `name=value`, prose excluded. */
  readonly markers?: readonly string[];
  /** Present on types that are a kind: the group, version and kind they answer to. */
  readonly gvk?: readonly GroupVersionKindFacts[];
  /** A Go slice that protobuf wraps in a message of one repeated field `items = 1` (ExtraValue and its like). */
  readonly protobufItems?: TypeExpression;
}

export interface GroupVersionKindFacts {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface FieldFacts {
  /** JSON name; absent on inline fields without one. */
  readonly json?: string;
  /** True when the struct is embedded with `json:",inline"`: its fields appear in the parent, but protobuf may nest it. */
  readonly inline?: true;
  readonly type: TypeExpression;
  /** Protobuf field number; absent when the type has no protobuf form (TypeMeta, Table). */
  readonly number?: number;
  /** Wire encoding named by the struct tag. */
  readonly wire?: 'bytes' | 'varint' | 'fixed32' | 'fixed64';
  /** True when the Go field is a pointer: zero values are then meaningful and survive. */
  readonly pointer?: true;
  /** JSON tag option that leaves the zero value out. Absent: the value is always written (`null` for nil). */
  readonly omit?: 'empty' | 'zero';
  /** Required by the markers (`+required`, or no `+optional` and no omitempty), as in OpenAPI `required`. */
  readonly required?: true;
  /** `+nullable`. */
  readonly nullable?: true;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** `+mapType`, or `+structType` on the field. */
  readonly mapType?: 'atomic' | 'granular';
  /** Values of the `patchStrategy` tag. */
  readonly patchStrategy?: readonly ('merge' | 'replace' | 'retainKeys')[];
  readonly patchMergeKey?: string;
  /** Allowed values, sorted, when the Go type is marked `+enum`. For lists and maps, those of the elements. */
  readonly enum?: readonly string[];
  /** `+default`, as JSON. `ref(Name)` defaults are resolved to their constant. */
  readonly default?: unknown;
  /** Format for OpenAPI (`int32`, `int64`, `double`, `byte`, `date-time`, `int-or-string`) where the type has one. */
  readonly format?: string;
  /** Other markers: `k8s:validation:...`, `k8s:...`, `kubebuilder:...`, `unionDiscriminator`, `featureGate=X`, ... */
  readonly markers?: readonly string[];
}

/** The resources that a server of this release serves. */
export interface ResourcesFile {
  readonly kubernetes: string;
  /** Groups in the order discovery lists them. The core group is ''. */
  readonly groups: readonly GroupFacts[];
}

export interface GroupFacts {
  readonly name: string;
  /** Versions, preferred first. */
  readonly versions: readonly string[];
  /** Resources sorted by plural name. */
  readonly resources: readonly ResourceFacts[];
}

export interface ResourceFacts {
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly scope: 'Namespaced' | 'Cluster';
  /** Alphabetical. */
  readonly verbs: readonly string[];
  /** Every version with this resource in the modules, preferred first. */
  readonly versions: readonly ResourceVersionFacts[];
  readonly subresources?: readonly SubresourceFacts[];
  /** Set when another group stores the objects (events.k8s.io events are stored as core events). */
  readonly storedAs?: { readonly group: string; readonly plural: string };
}

export interface ResourceVersionFacts {
  readonly name: string;
  /** Definition name of the kind. */
  readonly type: string;
  /** Definition name of the list kind; absent for create-only kinds. */
  readonly listType?: string;
  /** Served when nothing is configured: GA versions. */
  readonly served: boolean;
  /** The version objects are stored in; exactly one per resource. */
  readonly storage: boolean;
  /** From the `prerelease-lifecycle-gen` markers, `major.minor`. */
  readonly introduced?: string;
  readonly deprecated?: string;
  readonly removed?: string;
  readonly replacement?: GroupVersionKindFacts;
}

export interface SubresourceFacts {
  /** For example `status`, `scale`, `binding`. */
  readonly name: string;
  /** Kind read and written; absent means the parent kind. */
  readonly kind?: GroupVersionKindFacts;
  /** Definition name of that kind when it differs from the parent. */
  readonly type?: string;
  /** Alphabetical. */
  readonly verbs: readonly string[];
}

/** `template-shape.json`: the Go types a pod template is made of, by the names Go prints (`v1.PodSpec`). */
export interface TemplateShapeFile {
  readonly kubernetes: string;
  /** Fields of a struct in order; what a named scalar, list or map is of. */
  readonly types: Readonly<Record<string, readonly GoField[] | string>>;
}

/** Name in Go, type as Go prints it, name in JSON; the last is empty when the field is embedded. */
export type GoField = readonly [name: string, type: string, json: string];
