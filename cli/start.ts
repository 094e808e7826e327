import { mkdtempSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { startCluster, type Cluster, type ClusterOptions } from '../server/cluster.ts';
import { START_OPTIONS, type StartFlags } from './start-options.ts';

/** `kubemu start`: runs a cluster until SIGINT or SIGTERM. */
export function startCommand(): Command {
  const command = new Command('start').description('Start a cluster and serve it until interrupted.');
  for (const option of START_OPTIONS) command.addOption(option);
  return command.action((flags: StartFlags) =>
    run({ ...flags, port: flags.securePort ?? flags.port, host: flags.bindAddress ?? flags.host }),
  );
}

async function run(flags: StartFlags): Promise<void> {
  const stopped = stopSignal();
  let cluster: Cluster;
  try {
    if (flags.clockRate !== undefined && flags.clock === 'real')
      throw new Error('--clock-rate needs --clock=virtual');
    cluster = await startCluster({
      port: flags.port,
      host: flags.host,
      dataDir: flags.memory ? undefined : resolve(flags.dataDir),
      durability: flags.durability,
      compactionIntervalMs: flags.etcdCompactionInterval,
      historyBytesMax: flags.historyMemoryMax,
      nodes: flags.nodes,
      scheduler: await schedulerOf(flags),
      controllers: flags.controllers,
      serviceClusterIPRange: flags.serviceClusterIpRange,
      serviceNodePortRange: flags.serviceNodePortRange,
      clusterCIDR: flags.clusterCidr,
      maxRequestsInFlight: flags.maxRequestsInflight,
      maxMutatingRequestsInFlight: flags.maxMutatingRequestsInflight,
      enableAdmissionPlugins: flags.enableAdmissionPlugins,
      disableAdmissionPlugins: flags.disableAdmissionPlugins,
      seed: flags.seed,
      clock: flags.clock,
      logLevel: flags.logLevel,
    });
    if (flags.clockRate !== undefined) await cluster.clock.run(flags.clockRate);
  } catch (error) {
    process.stderr.write(`kubemu: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
    return;
  }
  const kubeconfig = await writeKubeconfig(flags, cluster.kubeconfig);
  process.stdout.write(`kubemu is ready: ${cluster.url}\n`);
  process.stdout.write(`export KUBECONFIG=${kubeconfig.path}\n`);
  await stopped;
  await cluster.stop();
  await kubeconfig.remove();
}

/** Writes the file with mode 0600. Without a data directory and a name, into a temporary folder that goes at the end. */
async function writeKubeconfig(
  flags: StartFlags,
  content: string,
): Promise<{ path: string; remove(): Promise<void> }> {
  const temporary =
    flags.kubeconfig === undefined && flags.memory ? mkdtempSync(join(tmpdir(), 'kubemu-')) : undefined;
  const path = resolve(flags.kubeconfig ?? join(temporary ?? flags.dataDir, 'kubeconfig'));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content, { mode: 0o600 });
  await chmod(path, 0o600);
  return {
    path,
    remove: async () => {
      if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    },
  };
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let seen = false;
    const onSignal = (): void => {
      if (seen) process.exit(130);
      seen = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

async function schedulerOf({ scheduler, schedulerConfig }: StartFlags): Promise<ClusterOptions['scheduler']> {
  if (schedulerConfig === undefined) return scheduler === 'on';
  if (scheduler === 'off') throw new Error('--scheduler-config needs --scheduler=on');
  try {
    return await readFile(schedulerConfig, 'utf8');
  } catch (error) {
    throw new Error(`--scheduler-config: ${(error as Error).message}`, { cause: error });
  }
}
