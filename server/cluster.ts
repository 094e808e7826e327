/** Starts a cluster: store, API server, controllers and nodes joined into one. `cluster/` has the steps. */
import { mkdir } from 'node:fs/promises';
import { createLogger } from '../api/machinery/logger.ts';
import { namespaces } from '../openapi/generated/core-v1.ts';
import { openEngine } from '../storage/engines/index.ts';
import type { Store } from '../storage/interface.ts';
import { openStore } from '../storage/store.ts';
import { bootstrap, keepSystemObjects } from './bootstrap/index.ts';
import { certificatesFolder, createApiServer, type Groundwork } from './cluster/api-server.ts';
import { createControllers, schedulersOf } from './cluster/controllers.ts';
import type { Cluster, ClusterOptions } from './cluster/options.ts';
import { serve } from './cluster/serve.ts';
import { timeOf } from './cluster/time.ts';
import { COMPACTION_INTERVAL_MS, compactRegularly } from './compaction.ts';
import { KeptTime } from './control/kept-time.ts';
import { adviseOn, CLUSTER_NAME, objectsFolder } from './data-directory.ts';
import { formatKubeconfig } from './kubeconfig.ts';
import { networkOf } from './network.ts';
import { openCertificates, type CertificateKeeper } from './pki/keep.ts';

export type { SchedulerConfiguration } from '../controllers/index.ts';
export type { Cluster, ClusterOptions } from './cluster/options.ts';

/**
 * Starts a cluster and serves it. A new one is resolved once its controllers have made what every cluster has, such as service
 * accounts and nodes; one from a data directory once it serves and controllers are at work.
 * Rejects when the port or the data directory is in use, and when the scheduler's configuration is wrong.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const network = networkOf(options);
  const { dataDir, logLevel = 'warn' } = options;
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true });
  const time = timeOf(options, dataDir === undefined ? undefined : new KeptTime(dataDir));
  const schedulers = schedulersOf(options.scheduler);
  const logger = createLogger({
    level: logLevel,
    write: (line) => process.stderr.write(`${line}\n`),
    now: () => time.clock.now(),
  });
  const store = await openObjects(options, logger);
  try {
    return await startOn({ options, network, time, logger, schedulers, store });
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openObjects(
  { dataDir, durability = 'process', historyBytesMax }: ClusterOptions,
  logger: Groundwork['logger'],
): Promise<Store> {
  const engine =
    dataDir === undefined
      ? openEngine({ type: 'memory' })
      : openEngine({ type: 'level', directory: objectsFolder(dataDir), durability });
  try {
    return await openStore({ engine, logger, historyBytesMax });
  } catch (error) {
    throw dataDir === undefined ? error : adviseOn(error, dataDir);
  }
}

async function startOn(groundwork: Groundwork): Promise<Cluster> {
  const { options, network, time, logger, store } = groundwork;
  const server = createApiServer(groundwork);
  const { client, control, random, tasks } = server;
  const isNew = server.reader.list(namespaces).length === 0;
  const certificates = await openCertificates(certificatesFolder(options), time.wall.now());
  const ready = { value: false };
  const listener = await serve(server, certificates, () => ready.value);
  const manager = createControllers(server, certificates);
  const system = {
    client,
    address: options.host ?? '127.0.0.1',
    port: listener.port,
    serviceRanges: network.serviceRanges,
    clientAuthority: certificates.authority.certificate,
    store,
    cluster: CLUSTER_NAME,
    random,
    clock: time.clock,
  };
  try {
    await bootstrap(system);
    await manager.start();
  } catch (error) {
    await listener.close();
    throw error;
  }
  ready.value = true;
  // What a stored cluster has left to do may take minutes, and it serves meanwhile.
  if (isNew) await tasks.idle();
  const stopUpkeep = keepSystemObjects({ ...system, tasks, logger });
  const intervalMs = options.compactionIntervalMs ?? COMPACTION_INTERVAL_MS;
  const stopCompaction = compactRegularly(store, intervalMs, time.wall, logger);
  const stop = async (): Promise<void> => {
    ready.value = false;
    stopUpkeep();
    stopCompaction();
    control.clock.stop();
    await manager.stop();
    await listener.close();
    await store.close();
  };
  let stopped: Promise<void> | undefined;
  return {
    url: listener.url,
    kubeconfig: await kubeconfigOf(listener.url, certificates),
    client,
    clock: control.clock,
    idle: () => tasks.idle(),
    settled: control.settled,
    stop: () => (stopped ??= stop()),
  };
}

/** Kubeconfig of the administrator, with a certificate of its own. */
async function kubeconfigOf(url: string, certificates: CertificateKeeper): Promise<string> {
  const { certificate, key } = await certificates.certificate('admin', {
    commonName: 'kubernetes-admin',
    organizations: ['system:masters'],
    usage: 'client',
  });
  return formatKubeconfig({
    url,
    authorityCertificate: certificates.authority.certificate,
    clientCertificate: certificate,
    clientKey: key,
  });
}
