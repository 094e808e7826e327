/** What a cluster in which nothing happens takes of a processor: leases, heartbeats and timers. In this process. */
import type { Finding, Row } from '../harness/finding.ts';
import { deploy, measured, startQuietly } from '../harness/in-process.ts';
import { settle } from '../harness/measure.ts';

const NODES = 100;
const PODS = 1000;
/** Two renewals of every lease. */
const WATCHED_MS = 20_000;

export const idleRow: Row = {
  name: 'idle',
  run: async (): Promise<Finding[]> => {
    const cluster = await startQuietly({ nodes: NODES });
    await deploy(cluster, PODS);
    await settle(5000);
    const before = process.cpuUsage();
    const { ms, writes } = await measured(cluster, () => settle(WATCHED_MS));
    const { user, system } = process.cpuUsage(before);
    await cluster.stop();
    return [
      {
        row: 'idle',
        what: `of one processor, for a cluster at rest with ${NODES} nodes and ${PODS} pods`,
        value: ((user + system) / 1000 / ms) * 100,
        unit: '%',
        target: 1,
        better: 'lower',
        details: { seconds: ms / 1000, writes },
      },
    ];
  },
};
