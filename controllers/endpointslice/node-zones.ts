/** How much processor each zone has, kept up node by node. Mirrors TopologyCache.SetNodes. */
import { milli, parseQuantity } from '../../api/machinery/quantity.ts';
import type { Node } from '../../openapi/generated/core-v1.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';
const EXCLUDING_LABELS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/** Undefined: the zone or the processor is not known. */
type Share = { readonly zone: string; readonly milliCPU: number } | undefined;

export class NodeZones {
  /** Nodes that count: ready, and no control planes. */
  readonly #shares = new Map<string, Share>();
  readonly #milliByZone = new Map<string, { milliCPU: number; nodes: number }>();
  #unknown = 0;

  set(node: Node): void {
    this.delete(node);
    if (!isReady(node) || EXCLUDING_LABELS.some((label) => node.metadata.labels?.[label] !== undefined))
      return;
    const share = shareOf(node);
    this.#shares.set(node.metadata.name!, share);
    this.#count(share, 1);
  }

  delete({ metadata }: Node): void {
    if (!this.#shares.has(metadata.name!)) return;
    this.#count(this.#shares.get(metadata.name!), -1);
    this.#shares.delete(metadata.name!);
  }

  /** The part each zone has of all processors, by zone; undefined when it is not known of every node, or there is one zone. */
  ratios(): ReadonlyMap<string, number> | undefined {
    if (this.#unknown > 0 || this.#milliByZone.size < 2) return undefined;
    const total = [...this.#milliByZone.values()].reduce((sum, { milliCPU }) => sum + milliCPU, 0);
    const inOrder = [...this.#milliByZone].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(inOrder.map(([zone, { milliCPU }]) => [zone, milliCPU / total]));
  }

  #count(share: Share, sign: 1 | -1): void {
    if (share === undefined) {
      this.#unknown += sign;
      return;
    }
    const sum = this.#milliByZone.get(share.zone) ?? { milliCPU: 0, nodes: 0 };
    this.#milliByZone.set(share.zone, sum);
    sum.milliCPU += sign * share.milliCPU;
    sum.nodes += sign;
    if (sum.nodes === 0) this.#milliByZone.delete(share.zone);
  }
}

function shareOf({ metadata, status }: Node): Share {
  const zone = metadata.labels?.[ZONE_LABEL] ?? '';
  const milliCPU = Number(milli(parseQuantity(String(status?.allocatable?.['cpu'] ?? '0'))));
  return zone === '' || milliCPU === 0 ? undefined : { zone, milliCPU };
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

/** Whether a change of a node may change what zones have. */
export function isZoneChange(node: Node, old: Node): boolean {
  return (
    isReady(node) !== isReady(old) || node.metadata.labels?.[ZONE_LABEL] !== old.metadata.labels?.[ZONE_LABEL]
  );
}
