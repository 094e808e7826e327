/** The library: a cluster in this process. */
export { startCluster, type Cluster, type ClusterOptions, type SchedulerConfiguration } from './cluster.ts';
export type { Client, ResourceType } from '../api/machinery/client.ts';
export type { ClockState, ClusterClock } from './control/cluster-clock.ts';
export { NotSettledError, type Settled, type SettledOptions } from './control/settled.ts';
export type { Fight } from './control/write-journal.ts';
export type { Clock, Timer } from '../api/machinery/clock.ts';
export { VirtualClock } from '../api/machinery/clock.ts';
export { StatusError } from '../api/machinery/errors.ts';
