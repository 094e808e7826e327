/** How the objects of a resource version look on the wire, and in which media types they can be had. */
import type { ResourceDefinition, TableDefinition, VersionDefinition } from '../../api/definition.ts';
import { defaultTable } from '../../api/groups/printing/index.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';
import { JSON_TYPE, PROTOBUF_TYPE, YAML_TYPE, type Offer } from './accept.ts';

export interface ObjectForm {
  readonly kind: string;
  readonly apiVersion: string;
  readonly listKind: string;
  readonly schema: StructSchema;
  /** Built-in types have a protobuf form, and write list items without kind and apiVersion. */
  readonly typed: boolean;
  /** Absent for kinds that cannot be shown as a table. */
  readonly table?: TableDefinition;
  readonly offer: Offer;
  readonly watchOffer: Offer;
}

export function newForm(options: {
  readonly kind: string;
  readonly apiVersion: string;
  readonly listKind?: string;
  readonly schema: StructSchema;
  readonly table?: TableDefinition;
}): ObjectForm {
  const typed = options.schema.protobuf.length > 0;
  const features = { table: options.table !== undefined, partialMetadata: true };
  const binary = typed ? ([PROTOBUF_TYPE] as const) : [];
  return {
    ...options,
    listKind: options.listKind ?? `${options.kind}List`,
    typed,
    offer: { types: [JSON_TYPE, YAML_TYPE, ...binary], ...features, stream: false },
    watchOffer: { types: [JSON_TYPE, ...binary], ...features, stream: true },
  };
}

const forms = new WeakMap<VersionDefinition, ObjectForm>();

/** The form of a resource in one of its versions. Kinds that can only be created have no table. */
export function formOf(definition: ResourceDefinition, version: VersionDefinition): ObjectForm {
  let form = forms.get(version);
  if (form === undefined) {
    const isStored = definition.verbs.includes('get');
    form = newForm({
      kind: definition.names.kind,
      listKind: definition.names.listKind,
      apiVersion: formatGroupVersion(definition.group, version.name),
      schema: version.schema,
      ...(isStored ? { table: definition.behaviour.table ?? defaultTable } : {}),
    });
    forms.set(version, form);
  }
  return form;
}
