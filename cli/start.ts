import { mkdtempSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../api/machinery/duration.ts';
import { isLogLevel, type LogLevel } from '../api/machinery/logger.ts';
import { tryParseQuantity, wholeUnits } from '../api/machinery/quantity.ts';
import { startCluster, type Cluster, type ClusterOptions } from '../server/cluster.ts';

interface StartFlags {
  port: number;
  host: string;
  dataDir: string;
  memory?: boolean;
  durability: 'process' | 'power';
  etcdCompactionInterval: number;
  historyMemoryMax: number;
  kubeconfig?: string;
  nodes: number;
  scheduler: 'on' | 'off';
  schedulerConfig?: string;
  controllers: string[];
  serviceClusterIpRange: string;
  serviceNodePortRange: string;
  clusterCidr?: string;
  maxRequestsInflight: number;
  maxMutatingRequestsInflight: number;
  enableAdmissionPlugins: string[];
  disableAdmissionPlugins: string[];
  seed?: string;
  clock: 'real' | 'virtual';
  clockRate?: number;
  logLevel: LogLevel;
}

/** `kubemu start`: runs a cluster until SIGINT or SIGTERM. */
export function startCommand(): Command {
  return new Command('start')
    .description('Start a cluster and serve it until interrupted.')
    .option('--port <number>', 'port to serve HTTPS on; 0 takes any free one', wholeNumber(65535), 6443)
    .addOption(
      new Option('--secure-port <number>', 'the name kube-apiserver gives --port')
        .argParser(wholeNumber(65535))
        .hideHelp(),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addOption(new Option('--bind-address <address>', 'the name kube-apiserver gives --host').hideHelp())
    .option('--data-dir <folder>', 'where objects and certificates are kept', 'kubemu-data')
    .option('--memory', 'keep nothing on disk')
    .addOption(
      new Option('--durability <kind>', 'what a write survives: death of the process, or also loss of power')
        .choices(['process', 'power'])
        .default('process'),
    )
    .addOption(
      new Option(
        '--etcd-compaction-interval <duration>',
        'how often old history is forgotten; 0 for never by age',
      )
        .argParser(duration)
        .default(300_000, '5m'),
    )
    .addOption(
      new Option('--history-memory-max <quantity>', 'memory for history; the oldest is forgotten beyond it')
        .argParser(byteQuantity)
        .default(128 * 1024 * 1024, '128Mi'),
    )
    .option('--kubeconfig <file>', 'where to write the kubeconfig (default: in the data directory)')
    .option('--nodes <number>', 'simulated nodes; 0 for none', wholeNumber(10_000), 1)
    .addOption(new Option('--scheduler <switch>', 'run the scheduler').choices(['on', 'off']).default('on'))
    .option('--scheduler-config <file>', "the scheduler's configuration, as kube-scheduler's --config")
    .option(
      '--controllers <list>',
      "controllers to run: '*' all that are on by default, 'name' one more, '-name' one less",
      commaList,
      ['*'],
    )
    .option(
      '--max-requests-inflight <number>',
      'reading requests worked on at a time; 0 for no limit',
      wholeNumber(1_000_000),
      400,
    )
    .option(
      '--max-mutating-requests-inflight <number>',
      'changing requests worked on at a time; 0 for no limit',
      wholeNumber(1_000_000),
      200,
    )
    .option(
      '--service-cluster-ip-range <cidrs>',
      'addresses for services: a CIDR, or two of different IP families',
      '10.96.0.0/16',
    )
    .option('--service-node-port-range <range>', 'node ports for services', '30000-32767')
    .option(
      '--cluster-cidr <cidrs>',
      'addresses for pods: a CIDR, or two of different IP families (default: a network for each family of services)',
    )
    .option(
      '--enable-admission-plugins <list>',
      'admission plugins to run besides the default ones',
      commaList,
      [],
    )
    .option('--disable-admission-plugins <list>', 'default admission plugins not to run', commaList, [])
    .option('--seed <text>', 'makes UIDs, name suffixes and addresses repeatable')
    .addOption(
      new Option('--clock <kind>', 'real, or virtual: stands still until it is moved through /_kubemu/clock')
        .choices(['real', 'virtual'])
        .default('real'),
    )
    .option(
      '--clock-rate <number>',
      'let the virtual clock run this many times as fast as the real one',
      positive,
    )
    .addOption(
      new Option('--log-level <level>', 'silent, error, warn, info or debug')
        .argParser(logLevel)
        .default('warn'),
    )
    .action((flags: StartFlags & { securePort?: number; bindAddress?: string }) =>
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

function wholeNumber(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > max)
      throw new InvalidArgumentError(`must be a whole number up to ${max}`);
    return value;
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('must be a positive number');
  return value;
}

function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms < 0) throw new InvalidArgumentError('must be a duration such as 30s, 5m or 0');
  return ms;
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

function byteQuantity(text: string): number {
  const quantity = tryParseQuantity(text);
  const bytes = quantity === undefined ? 0 : Number(wholeUnits(quantity));
  if (!(bytes > 0)) throw new InvalidArgumentError('must be a quantity of bytes such as 128Mi');
  return bytes;
}

function commaList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function logLevel(text: string): LogLevel {
  if (!isLogLevel(text)) throw new InvalidArgumentError('must be silent, error, warn, info or debug');
  return text;
}
