/** What a cluster is started with, and what there is of one that runs. */
import type { Client } from '../../api/machinery/client.ts';
import type { VirtualClock } from '../../api/machinery/clock.ts';
import type { LogLevel } from '../../api/machinery/logger.ts';
import type { SchedulerConfiguration } from '../../controllers/index.ts';
import type { ClusterClock } from '../control/cluster-clock.ts';
import type { Settled, SettledOptions } from '../control/settled.ts';

export interface ClusterOptions {
  /** Port to serve on; 0, the default, takes any free one. */
  readonly port?: number;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Folder that keeps objects and certificates. Without one everything is in memory. */
  readonly dataDir?: string;
  /**
   * What an acknowledged write in `dataDir` survives: `process` the death of the process, `power` also loss of power, at the
   * price of waiting for the disk. Default process.
   */
  readonly durability?: 'process' | 'power';
  /** How often old history is forgotten, in milliseconds; 0 for never by age. Default 5 minutes. */
  readonly compactionIntervalMs?: number;
  /** Bound of the memory history takes, in bytes; the oldest of it is forgotten beyond that. Default 128 MiB. */
  readonly historyBytesMax?: number;
  /** Simulated nodes. Default 1. */
  readonly nodes?: number;
  /**
   * False for none; otherwise how it is configured: what kube-scheduler's --config takes, as an object or as YAML or JSON
   * text. Default true, with upstream's defaults.
   */
  readonly scheduler?: boolean | SchedulerConfiguration | string;
  /** As kube-controller-manager's --controllers: `*`, `name`, `-name`. Default all. */
  readonly controllers?: readonly string[];
  /** Addresses of services: a CIDR, or two of different IP families, the default one first. Default 10.96.0.0/16. */
  readonly serviceClusterIPRange?: string;
  /** Node ports of services. Default 30000-32767. */
  readonly serviceNodePortRange?: string;
  /**
   * Addresses of pods on simulated nodes: a CIDR, or two of different IP families; a node gets a /24 or /64 of each. Default
   * 10.244.0.0/16 and what follows it, fd00:10:244::/48, of the families services have.
   */
  readonly clusterCIDR?: string;
  /** Reading requests worked on at a time; 0 for no limit. Default 400. */
  readonly maxRequestsInFlight?: number;
  /** Changing requests worked on at a time; 0 for no limit. Default 200. */
  readonly maxMutatingRequestsInFlight?: number;
  readonly enableAdmissionPlugins?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
  /** Makes UIDs, name suffixes, addresses and ports repeatable. */
  readonly seed?: string;
  /** Lines go to standard error. Default warn. */
  readonly logLevel?: LogLevel;
  /**
   * Time of the cluster. `real`, the default, is the machine's; `virtual` stands still until it is moved through
   * `Cluster.clock`; it starts at the machine's time, or goes on where it was in a data directory that had one. A VirtualClock of yours starts where you like.
   */
  readonly clock?: 'real' | 'virtual' | VirtualClock;
}

export interface Cluster {
  /** For example `https://127.0.0.1:41234`. */
  readonly url: string;
  /** Kubeconfig of the administrator, as YAML. */
  readonly kubeconfig: string;
  /** An in-process client with all rights. */
  readonly client: Client;
  /** Reads and, when it is virtual, moves the cluster's time. */
  readonly clock: ClusterClock;
  /** Resolves when no controller has anything to do at this moment. */
  idle(): Promise<void>;
  /**
   * Resolves when nothing is left to do and no timer is due within the horizon; a virtual clock that stands still is
   * moved on to such timers. Rejects with a NotSettledError that names who is busy, or who fights.
   */
  settled(options?: SettledOptions): Promise<Settled>;
  /** Ends watches, stops controllers, flushes and closes. Idempotent. */
  stop(): Promise<void>;
}
