/** The library: a cluster in this process. */
export { startCluster, type Cluster, type ClusterOptions } from './cluster.ts';
export type { Client, ResourceType } from '../api/machinery/client.ts';
export type { Clock, Timer } from '../api/machinery/clock.ts';
export { VirtualClock } from '../api/machinery/clock.ts';
export { StatusError } from '../api/machinery/errors.ts';
