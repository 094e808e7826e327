/** A cluster in this process, with all controllers, and how much its work costs in bare store writes. */
import { join } from 'node:path';
import type { ResourceType } from '../../api/machinery/client.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import { deployments } from '../../openapi/generated/apps-v1.ts';
import { namespaces } from '../../openapi/generated/core-v1.ts';
import { startCluster, type Cluster, type ClusterOptions } from '../../server/cluster.ts';
import { openEngine } from '../../storage/engines/index.ts';
import { openStore } from '../../storage/store.ts';
import { now, rateOf } from './measure.ts';
import { temporaryFolder } from './process.ts';

const IN_NAMESPACE = { namespace: 'default' };
const BARE_OBJECT = { metadata: { name: 'pod' }, data: { text: 'lorem ipsum '.repeat(160) } };

/** Starts a cluster in memory and waits until nothing is left to do. */
export async function startQuietly(options: ClusterOptions): Promise<Cluster> {
  const cluster = await startCluster({ seed: 'bench', ...options });
  await cluster.idle();
  return cluster;
}

/** Writes the store has seen so far. */
export async function revisionOf({ client }: Cluster): Promise<number> {
  return Number((await client.list(namespaces)).resourceVersion);
}

/** What `work` took, and how many store writes happened meanwhile, events and heartbeats included. */
export async function measured(
  cluster: Cluster,
  work: () => Promise<unknown>,
): Promise<{ readonly ms: number; readonly writes: number }> {
  const before = await revisionOf(cluster);
  const began = now();
  await work();
  const ms = now() - began;
  return { ms, writes: (await revisionOf(cluster)) - before };
}

/** Where the objects of a cluster and of the bare store it is compared with are kept. */
export type Place = 'memory' | 'disk';

/** What a finding says of the bare writes. */
export function bareWritesIn(place: Place): string {
  return `as many bare store writes ${place === 'memory' ? 'in memory' : 'one after another, both in data directories'}`;
}

/** Runs `work` with the option that keeps a cluster's objects there, and removes them afterwards. */
export async function keptIn<T>(
  place: Place,
  work: (options: { readonly dataDir?: string }) => Promise<T>,
): Promise<T> {
  if (place === 'memory') return work({});
  const folder = temporaryFolder();
  try {
    return await work({ dataDir: join(folder.path, 'data') });
  } finally {
    folder.remove();
  }
}

/** Milliseconds that `count` bare store writes of 2 KB take: the object is encoded and kept, nothing else happens. */
export function bareWritesMs(count: number, place: Place = 'memory'): Promise<number> {
  return keptIn(place, async ({ dataDir }) => {
    const store = await openStore({
      engine: openEngine(
        dataDir === undefined
          ? { type: 'memory' }
          : { type: 'level', directory: dataDir, durability: 'process' },
      ),
    });
    const encode = (revision: number): { readonly bytes: Buffer } => {
      const metadata = { ...BARE_OBJECT.metadata, resourceVersion: String(revision) };
      return { bytes: Buffer.from(JSON.stringify({ ...BARE_OBJECT, metadata })) };
    };
    const put = (): Promise<unknown> => store.put('key', encode, { expect: 'any' });
    await rateOf([0], 5000, put);
    const perSecond = await rateOf([0], count, put);
    await store.close();
    return (count / perSecond) * 1000;
  });
}

/** Resolves when an object of the default namespace, or its successor, is as it should be. */
export async function untilSo<T extends KubeObject>(
  { client }: Cluster,
  type: ResourceType<T>,
  isSo: (object: T) => boolean,
  act: () => Promise<unknown>,
): Promise<void> {
  const { resourceVersion } = await client.list(type, IN_NAMESPACE);
  let stop = (): void => {};
  const done = new Promise<void>((resolve, reject) => {
    stop = client.watch(
      type,
      { ...IN_NAMESPACE, resourceVersion },
      {
        event: (event) => {
          if (event.type !== 'BOOKMARK' && isSo(event.object)) resolve();
        },
        ended: (error) => reject(error ?? new Error('the watch ended')),
      },
    );
  });
  try {
    await act();
    await done;
  } finally {
    stop();
  }
}

/** Makes a deployment and waits until every replica is available. */
export async function deploy(cluster: Cluster, replicas: number, name = 'web'): Promise<void> {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } };
  await untilSo(
    cluster,
    deployments,
    ({ metadata, status }) => metadata.name === name && status.availableReplicas === replicas,
    () =>
      cluster.client.create(deployments, {
        metadata: { ...IN_NAMESPACE, name },
        spec: { replicas, selector: { matchLabels: labels }, template },
      }),
  );
}
