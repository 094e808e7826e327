/** One cluster that grows to 100,000 pods of 2 KB, and what it costs then. */
import { join } from 'node:path';
import { openConnections, requestBytes, succeed, type Connection } from '../harness/connection.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { processorMs, rateOf, residentMB, settle } from '../harness/measure.ts';
import { createNamespace, createPod, PODS_PATH, storedPod } from '../harness/pods.ts';
import { startKubemu, temporaryFolder, type ServerProcess } from '../harness/process.ts';
import { openingFindings } from './opening.ts';
import { selectorFindings } from './selector.ts';

const SMALL = 1000;
const LARGE = 100_000;
/** Operations timed at each size. */
const SAMPLE = 4000;
const CLIENTS = 16;
const WARM_NAMESPACE = 'warm';

class GrowingCluster {
  readonly kubemu: ServerProcess;
  readonly connections: readonly Connection[];
  #made = 0;

  constructor(kubemu: ServerProcess, connections: readonly Connection[]) {
    this.kubemu = kubemu;
    this.connections = connections;
  }

  async growTo(count: number): Promise<void> {
    const from = this.#made;
    await rateOf(this.connections, count - from, (connection, index) =>
      succeed(connection, newPod(from + index)),
    );
    this.#made = Math.max(count, this.#made);
  }

  /** Processor time of the server per operation, in microseconds. */
  async costs(): Promise<{ create: number; get: number }> {
    const read = requestBytes('GET', `${PODS_PATH}/${podName(0)}`);
    const create = await this.#cost(() => this.growTo(this.#made + SAMPLE));
    const get = await this.#cost(() =>
      rateOf(this.connections, SAMPLE, (connection) => succeed(connection, read)),
    );
    return { create, get };
  }

  async #cost(run: () => Promise<unknown>): Promise<number> {
    const before = processorMs(this.kubemu.pid);
    await run();
    return ((processorMs(this.kubemu.pid) - before) * 1000) / SAMPLE;
  }
}

const podName = (index: number): string => `pod-${String(index).padStart(6, '0')}`;

const newPod = (index: number): Buffer => createPod(storedPod(podName(index), index));

/** Requests enough of both kinds for the compiler, whose objects are gone again afterwards. */
async function warmUp({ connections }: GrowingCluster): Promise<void> {
  const path = `/api/v1/namespaces/${WARM_NAMESPACE}/pods`;
  await createNamespace(connections[0]!, WARM_NAMESPACE);
  await rateOf(connections, SAMPLE, async (connection, index) => {
    const body = newPod(index).toString('utf8').split('\r\n\r\n')[1];
    await succeed(connection, requestBytes('POST', path, body));
    await succeed(connection, requestBytes('GET', `${path}/${podName(index)}`));
    await succeed(connection, requestBytes('DELETE', `${path}/${podName(index)}?gracePeriodSeconds=0`));
  });
}

async function growthFindings(cluster: GrowingCluster): Promise<Finding[]> {
  await cluster.growTo(SMALL);
  const small = await cluster.costs();
  await cluster.growTo(LARGE - SAMPLE);
  const large = await cluster.costs();
  return (['create', 'get'] as const).map((what) => ({
    row: 'growth',
    what: `processor time of ${what === 'create' ? 'a create' : 'a GET'} at 100,000 pods against that at 1,000`,
    value: large[what] / small[what],
    unit: 'times',
    target: 1.2,
    better: 'lower',
    details: { usAt1000: small[what], usAt100000: large[what] },
  }));
}

export const largeRow: Row = {
  name: 'large',
  run: async (): Promise<Finding[]> => {
    const folder = temporaryFolder();
    // Every controller runs and keeps its caches; without a node, pods stay as they were made.
    const kubemu = await startKubemu(['--scheduler=off', '--nodes=0', `--data-dir=${folder.path}`]);
    const cluster = new GrowingCluster(kubemu, await openConnections(kubemu.endpoint, CLIENTS));
    await createNamespace(cluster.connections[0]!);
    await warmUp(cluster);
    const growth = await growthFindings(cluster);
    await settle(3000);
    const memory: Finding = {
      row: 'memory',
      what: 'resident with 100,000 pods of 2 KB, all controllers on',
      value: residentMB(kubemu.pid),
      unit: 'MB',
      target: 1200,
      better: 'lower',
      details: {},
    };
    const selector = await selectorFindings(cluster.connections[0]!);
    for (const connection of cluster.connections) connection.close();
    await kubemu.stop();
    const opening = await openingFindings(join(folder.path, 'objects'));
    folder.remove();
    return [...growth, memory, ...selector, ...opening];
  },
};
