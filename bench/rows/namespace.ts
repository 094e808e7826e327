/** A namespace and the 10,000 objects in it go, in this process. */
import { configMaps, namespaces } from '../../openapi/generated/core-v1.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { bareWritesMs, measured, startQuietly } from '../harness/in-process.ts';
import { createIn } from '../harness/objects.ts';

const OBJECTS = 10_000;

export const namespaceRow: Row = {
  name: 'namespace',
  run: async (): Promise<Finding[]> => {
    const cluster = await startQuietly({ nodes: 0, scheduler: false });
    await cluster.client.create(namespaces, { metadata: { name: 'going' }, spec: {} });
    await createIn(cluster, configMaps, OBJECTS, (index) => ({
      metadata: { namespace: 'going', name: `config-${index}` },
      data: { text: 'lorem ipsum '.repeat(100) },
    }));
    await cluster.idle();
    const { ms, writes } = await measured(cluster, async () => {
      await cluster.client.delete(namespaces, { name: 'going' });
      await cluster.idle();
    });
    const { items } = await cluster.client.list(namespaces);
    if (items.some(({ metadata }) => metadata.name === 'going'))
      throw new Error('the namespace is still there');
    await cluster.stop();
    const bareMs = await bareWritesMs(writes);
    return [
      {
        row: 'namespace',
        what: `deletion of a namespace with ${OBJECTS} objects, against as many bare store writes in memory`,
        value: ms / bareMs,
        unit: 'times',
        target: 2,
        better: 'lower',
        details: { ms, writes, usPerObject: (ms * 1000) / OBJECTS },
      },
    ];
  },
};
