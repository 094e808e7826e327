/** From nothing to 5,000 nodes and 10,000 running pods, in this process. */
import { pods } from '../../openapi/generated/core-v1.ts';
import type { Finding, Row } from '../harness/finding.ts';
import {
  bareWritesIn,
  bareWritesMs,
  keptIn,
  revisionOf,
  startQuietly,
  untilSo,
  type Place,
} from '../harness/in-process.ts';
import { now } from '../harness/measure.ts';
import { createIn } from '../harness/objects.ts';

const NODES = 5000;
const PODS = 10_000;

async function run(place: Place): Promise<Finding> {
  const { ms, nodesMs, writes } = await keptIn(place, async (options) => {
    const began = now();
    const cluster = await startQuietly({ nodes: NODES, ...options });
    const nodesReady = now();
    const running = new Set<string>();
    await untilSo(
      cluster,
      pods,
      ({ metadata, status }) => status.phase === 'Running' && running.add(metadata.name!).size === PODS,
      () =>
        createIn(cluster, pods, PODS, (index) => ({
          metadata: { namespace: 'default', name: `pod-${index}` },
          spec: { containers: [{ name: 'main', image: 'app:1' }] },
        })),
    );
    const ended = now();
    const revision = await revisionOf(cluster);
    await cluster.stop();
    return { ms: ended - began, nodesMs: nodesReady - began, writes: revision };
  });
  const bareMs = await bareWritesMs(writes, place);
  return {
    row: 'running',
    what: `${NODES} nodes and ${PODS} pods running, against ${bareWritesIn(place)}`,
    value: ms / bareMs,
    unit: 'times',
    target: 2.5,
    better: 'lower',
    details: {
      seconds: ms / 1000,
      secondsForNodes: nodesMs / 1000,
      writes,
      usBareWrite: (bareMs * 1000) / writes,
    },
  };
}

export const runningRow: Row = {
  name: 'running',
  isOnRequest: true,
  run: async (): Promise<Finding[]> => [await run('memory'), await run('disk')],
};
