/** What a filter plugin is. */
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import type { NodeInfo } from '../node-info.ts';

export interface Rejection {
  /** Upstream's text, for example `Insufficient cpu`; several for one node are counted each. */
  readonly reasons: readonly string[];
  /** True when evicting pods from the node could not help. */
  readonly unresolvable: boolean;
}

export interface Filter {
  /** Upstream's plugin name. */
  readonly name: string;
  /** Why `pod` cannot run on the node, or undefined. */
  reject(pod: Pod, node: NodeInfo, nodes: NodeSet): Rejection | undefined;
}

/** All nodes, for filters that compare them. */
export type NodeSet = ReadonlyMap<string, NodeInfo>;

export function unresolvable(...reasons: string[]): Rejection {
  return { reasons, unresolvable: true };
}

export function resolvable(...reasons: string[]): Rejection {
  return { reasons, unresolvable: false };
}
