/** The options of `kubemu start`, in the order that --help shows them. */
import { Option } from 'commander';
import type { LogLevel } from '../api/machinery/logger.ts';
import { byteQuantity, commaList, duration, logLevel, positive, wholeNumber } from './option-values.ts';

/** What was typed, by option. */
export interface StartFlags {
  port: number;
  /** As kube-apiserver names `port`. */
  securePort?: number;
  host: string;
  /** As kube-apiserver names `host`. */
  bindAddress?: string;
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

export const START_OPTIONS: readonly Option[] = [
  new Option('--port <number>', 'port to serve HTTPS on; 0 takes any free one')
    .argParser(wholeNumber(65535))
    .default(6443),
  new Option('--secure-port <number>', 'the name kube-apiserver gives --port')
    .argParser(wholeNumber(65535))
    .hideHelp(),
  new Option('--host <address>', 'address to listen on').default('127.0.0.1'),
  new Option('--bind-address <address>', 'the name kube-apiserver gives --host').hideHelp(),
  new Option('--data-dir <folder>', 'where objects and certificates are kept').default('kubemu-data'),
  new Option('--memory', 'keep nothing on disk'),
  new Option('--durability <kind>', 'what a write survives: death of the process, or also loss of power')
    .choices(['process', 'power'])
    .default('process'),
  new Option(
    '--etcd-compaction-interval <duration>',
    'how often old history is forgotten; 0 for never by age',
  )
    .argParser(duration)
    .default(300_000, '5m'),
  new Option('--history-memory-max <quantity>', 'memory for history; the oldest is forgotten beyond it')
    .argParser(byteQuantity)
    .default(128 * 1024 * 1024, '128Mi'),
  new Option('--kubeconfig <file>', 'where to write the kubeconfig (default: in the data directory)'),
  new Option('--nodes <number>', 'simulated nodes; 0 for none').argParser(wholeNumber(10_000)).default(1),
  new Option('--scheduler <switch>', 'run the scheduler').choices(['on', 'off']).default('on'),
  new Option('--scheduler-config <file>', "the scheduler's configuration, as kube-scheduler's --config"),
  new Option(
    '--controllers <list>',
    "controllers to run: '*' all that are on by default, 'name' one more, '-name' one less",
  )
    .argParser(commaList)
    .default(['*']),
  new Option('--max-requests-inflight <number>', 'reading requests worked on at a time; 0 for no limit')
    .argParser(wholeNumber(1_000_000))
    .default(400),
  new Option(
    '--max-mutating-requests-inflight <number>',
    'changing requests worked on at a time; 0 for no limit',
  )
    .argParser(wholeNumber(1_000_000))
    .default(200),
  new Option(
    '--service-cluster-ip-range <cidrs>',
    'addresses for services: a CIDR, or two of different IP families',
  ).default('10.96.0.0/16'),
  new Option('--service-node-port-range <range>', 'node ports for services').default('30000-32767'),
  new Option(
    '--cluster-cidr <cidrs>',
    'addresses for pods: a CIDR, or two of different IP families (default: a network for each family of services)',
  ),
  new Option('--enable-admission-plugins <list>', 'admission plugins to run besides the default ones')
    .argParser(commaList)
    .default([]),
  new Option('--disable-admission-plugins <list>', 'default admission plugins not to run')
    .argParser(commaList)
    .default([]),
  new Option('--seed <text>', 'makes UIDs, name suffixes and addresses repeatable'),
  new Option('--clock <kind>', 'real, or virtual: stands still until it is moved through /_kubemu/clock')
    .choices(['real', 'virtual'])
    .default('real'),
  new Option(
    '--clock-rate <number>',
    'let the virtual clock run this many times as fast as the real one',
  ).argParser(positive),
  new Option('--log-level <level>', 'silent, error, warn, info or debug').argParser(logLevel).default('warn'),
];
