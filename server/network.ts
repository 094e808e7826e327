/** The networks of a cluster, as its options say. */
import { parsePrefix, type IPFamily, type Prefix } from '../api/groups/common/prefix.ts';
import type { IPRange } from './allocators/ip-range.ts';
import { parsePortRange, type PortRange } from './allocators/port-allocator.ts';
import { parseServiceRanges } from './allocators/service-ranges.ts';

export interface NetworkOptions {
  readonly serviceClusterIPRange?: string;
  readonly serviceNodePortRange?: string;
  readonly clusterCIDR?: string;
  readonly nodes?: number;
}

export interface Network {
  /** One or two, the primary first. */
  readonly serviceRanges: readonly [IPRange, ...IPRange[]];
  readonly families: readonly IPFamily[];
  readonly nodePorts: PortRange;
  /** What pods of simulated nodes get addresses from; undefined for the default. */
  readonly clusterCIDRs: readonly string[] | undefined;
}

const SERVICE_RANGE = '10.96.0.0/16';
const NODE_PORT_RANGE = '30000-32767';
/** Bits of a node's share of the pod network. Mirrors --node-cidr-mask-size-ipv4 and -ipv6. */
const NODE_PREFIX_LENGTH = { IPv4: 24, IPv6: 64 } as const;

/** Throws an Error that says which option is wrong. */
export function networkOf(options: NetworkOptions): Network {
  const serviceRanges = named('--service-cluster-ip-range', () =>
    parseServiceRanges(options.serviceClusterIPRange ?? SERVICE_RANGE),
  );
  const nodePorts = named('--service-node-port-range', () =>
    parsePortRange(options.serviceNodePortRange ?? NODE_PORT_RANGE),
  );
  const { clusterCIDR, nodes = 1 } = options;
  const clusterCIDRs =
    clusterCIDR === undefined
      ? undefined
      : named('--cluster-cidr', () => parseClusterCIDRs(clusterCIDR, nodes));
  return { serviceRanges, families: serviceRanges.map(({ family }) => family), nodePorts, clusterCIDRs };
}

function named<T>(option: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${option}: ${(error as Error).message}`, { cause: error });
  }
}

function parseClusterCIDRs(text: string, nodes: number): string[] {
  const cidrs = text.split(',').map((cidr) => cidr.trim());
  const prefixes = cidrs.map((cidr): Prefix => {
    const prefix = parsePrefix(cidr);
    if (prefix === undefined) throw new Error(`"${cidr}" is no CIDR`);
    return prefix;
  });
  if (cidrs.length > 2) throw new Error('must not have more than two CIDRs');
  if (cidrs.length === 2 && prefixes[0]!.family === prefixes[1]!.family)
    throw new Error('the two CIDRs must be of different IP families');
  prefixes.forEach(({ family, length }, index) => {
    const room = 2 ** (NODE_PREFIX_LENGTH[family] - length);
    if (room < 1)
      throw new Error(`"${cidrs[index]}" is smaller than a node's share, a /${NODE_PREFIX_LENGTH[family]}`);
    if (room < nodes) throw new Error(`"${cidrs[index]}" has room for ${room} nodes and not for ${nodes}`);
  });
  return cidrs;
}
