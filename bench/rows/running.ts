/** From nothing to 5,000 nodes and 10,000 running pods, in this process. */
import { pods } from '../../openapi/generated/core-v1.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { bareWritesMs, revisionOf, startQuietly, untilSo } from '../harness/in-process.ts';
import { now } from '../harness/measure.ts';
import { createIn } from '../harness/objects.ts';

const NODES = 5000;
const PODS = 10_000;

export const runningRow: Row = {
  name: 'running',
  isOnRequest: true,
  run: async (): Promise<Finding[]> => {
    const began = now();
    const cluster = await startQuietly({ nodes: NODES });
    const nodesMs = now() - began;
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
    const ms = now() - began;
    const writes = await revisionOf(cluster);
    await cluster.stop();
    const bareMs = await bareWritesMs(writes);
    return [
      {
        row: 'running',
        what: `${NODES} nodes and ${PODS} pods running, against as many bare store writes in memory`,
        value: ms / bareMs,
        unit: 'times',
        target: 2.5,
        better: 'lower',
        details: { seconds: ms / 1000, secondsForNodes: nodesMs / 1000, writes },
      },
    ];
  },
};
