/** Current objects, straight from the store, for admission plugins and allocators. */
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { KeyRange, Store } from '../../storage/interface.ts';
import { namespaceRange, resourceKey, resourceRange } from '../../storage/keys.ts';
import { decodeStored } from '../registry/stored-form.ts';

export interface ObjectReader {
  /** The object, shared: never change it. `namespace` is '' for cluster-scoped resources. */
  get(
    resource: { readonly group: string; readonly resource: string },
    namespace: string,
    name: string,
  ): UnknownObject | undefined;
  /** Of one namespace, or of all. */
  list(
    resource: { readonly group: string; readonly resource: string },
    namespace?: string,
  ): readonly UnknownObject[];
}

export function createObjectReader(store: Store, cluster: string): ObjectReader {
  /** By group and resource: plugins list a handful of them, time and again. */
  const ranges = new Map<string, KeyRange>();
  const rangeOf = (group: string, resource: string): KeyRange => {
    const name = `${resource}.${group}`;
    let range = ranges.get(name);
    if (range === undefined) ranges.set(name, (range = resourceRange({ cluster, group, resource })));
    return range;
  };
  return {
    get: ({ group, resource }, namespace, name) => {
      if (name === '' || name.includes('/')) return undefined;
      const value = store.get(
        resourceKey({ cluster, group, resource, ...(namespace === '' ? {} : { namespace }), name }),
      );
      return value === undefined ? undefined : decodeStored(value);
    },
    list: ({ group, resource }, namespace) =>
      store
        .list(
          namespace === undefined
            ? rangeOf(group, resource)
            : namespaceRange({ cluster, group, resource, namespace }),
        )
        .entries.map(decodeStored),
  };
}
