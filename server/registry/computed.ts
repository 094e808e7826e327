/** Resources whose objects are computed when they are asked for, not stored. They can only be read. */
import type { ResourceDefinition } from '../../api/definition.ts';
import { canonicalize, encodeObject } from '../../api/machinery/codec.ts';
import { newNotFound } from '../../api/machinery/errors.ts';
import { formatGroupResource } from '../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type {
  ListOutcome,
  ListReadOptions,
  ObjectTarget,
  ResourceRegistry,
  ResourceTarget,
  ResultObject,
  Scope,
} from './interface.ts';
import { newSelectable, Selection } from './selection.ts';

/** Where the objects of one resource come from. */
export interface ComputedSource {
  get(namespace: string, name: string): UnknownObject | undefined;
  /** Those of a namespace, or of all when it is ''; in order of namespace and name. */
  list(namespace: string): readonly UnknownObject[];
}

/** By `plural.group`. */
export type ComputedSources = Readonly<Record<string, ComputedSource>>;

/**
 * The registry with these resources answered from their sources. Lists come whole, without a revision: `limit` and
 * `continue` mean nothing to them, as with metrics-server.
 */
export function withComputed(registry: ResourceRegistry, sources: ComputedSources): ResourceRegistry {
  const sourceOf = ({ definition }: ResourceTarget): ComputedSource | undefined => {
    const name = formatGroupResource({ group: definition.group, resource: definition.names.plural });
    return Object.hasOwn(sources, name) ? sources[name] : undefined;
  };
  return {
    ...bound(registry),
    current: (target, object) => {
      const source = sourceOf(target);
      return source === undefined ? registry.current(target, object) : getFrom(source, target, object);
    },
    get: async (context, target, object, options) => {
      const source = sourceOf(target);
      return source === undefined
        ? registry.get(context, target, object, options)
        : getFrom(source, target, object);
    },
    list: async (context, target, scope, options) => {
      const source = sourceOf(target);
      return source === undefined
        ? registry.list(context, target, scope, options)
        : listFrom(source, target, scope, options);
    },
  };
}

function bound(registry: ResourceRegistry): ResourceRegistry {
  return {
    current: registry.current.bind(registry),
    get: registry.get.bind(registry),
    list: registry.list.bind(registry),
    watch: registry.watch.bind(registry),
    create: registry.create.bind(registry),
    update: registry.update.bind(registry),
    delete: registry.delete.bind(registry),
    deleteCollection: registry.deleteCollection.bind(registry),
  };
}

function getFrom(
  source: ComputedSource,
  { definition }: ResourceTarget,
  { namespace, name }: ObjectTarget,
): ResultObject {
  const object = source.get(namespace, name);
  if (object !== undefined) return resultOf(definition, object);
  // Named by kind and with the namespace, as metrics-server does.
  const resource = { group: definition.group, resource: definition.names.kind.toLowerCase() };
  throw newNotFound(resource, namespace === '' ? name : `${namespace}/${name}`);
}

function listFrom(
  source: ComputedSource,
  { definition }: ResourceTarget,
  { namespace }: Scope,
  { labelSelector, fieldSelector }: ListReadOptions,
): ListOutcome {
  const selection = new Selection(definition, labelSelector, fieldSelector);
  const items = source
    .list(namespace)
    .filter((object) => selection.matches(newSelectable(definition, object)));
  return { items: items.map((object) => resultOf(definition, object)), resourceVersion: '' };
}

function resultOf({ storageVersion }: ResourceDefinition, computed: UnknownObject): ResultObject {
  const object = canonicalize(storageVersion.schema, computed);
  return { bytes: encodeObject(object), object, revision: 0 };
}
