/** How many objects there are. Mirrors apiserver storage metrics. */
import type { DefinitionSet } from '../../api/definition-set.ts';
import { formatGroupResource } from '../../api/machinery/gvk.ts';
import type { Metrics } from '../../api/machinery/metrics.ts';
import type { Store } from '../../storage/interface.ts';
import { resourceRange } from '../../storage/keys.ts';

/** Counts when metrics are read. */
export function watchStore(
  metrics: Metrics,
  { store, cluster, definitions }: { store: Store; cluster: string; definitions: DefinitionSet },
): void {
  const help = 'Objects in the store, by resource.';
  const byGroup = metrics.gauge('apiserver_resource_objects', help, ['group', 'resource']);
  const byName = metrics.gauge('apiserver_storage_objects', help, ['resource']);
  metrics.onCollect(() => {
    for (const { group, names, storedAs, verbs } of definitions.all()) {
      const isOwn = storedAs.group === group && storedAs.resource === names.plural;
      if (!isOwn || !verbs.includes('list')) continue;
      const count = store.count(resourceRange({ cluster, group, resource: names.plural }));
      byGroup.set([group, names.plural], count);
      byName.set([formatGroupResource({ group, resource: names.plural })], count);
    }
  });
}
