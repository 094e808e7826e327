/** Many objects through the client of a cluster in this process. */
import type { Draft, ResourceType } from '../../api/machinery/client.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import type { Cluster } from '../../server/cluster.ts';

const AT_ONCE = 100;

/** Creates `count` objects, a hundred at a time. */
export async function createIn<T extends KubeObject>(
  { client }: Cluster,
  type: ResourceType<T>,
  count: number,
  draft: (index: number) => Draft<T>,
): Promise<void> {
  for (let first = 0; first < count; first += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) => first + index);
    await Promise.all(batch.map((index) => client.create(type, draft(index))));
  }
}
