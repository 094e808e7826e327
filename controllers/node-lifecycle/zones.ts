/** How many nodes of each zone are well, and how fast pods may be evicted there. Mirrors nodelifecycle ComputeZoneState. */

/** Seconds between two nodes of a zone whose pods are evicted. */
const EVICTION_INTERVAL_MS = 10_000;
/** The same while much of a large zone is ill. */
const SLOW_EVICTION_INTERVAL_MS = 100_000;
/** Share of ill nodes from which on a zone counts as disrupted. */
const UNHEALTHY_SHARE = 0.55;
/** Zones up to this many nodes are left alone while they are disrupted. */
const SMALL_ZONE_NODES = 50;

export type ZoneState = 'normal' | 'partly-disrupted' | 'disrupted';

interface Zone {
  ready: number;
  ill: number;
}

const NO_NODES: Readonly<Zone> = { ready: 0, ill: 0 };

export class Zones {
  readonly #zones = new Map<string, Zone>();
  /** When pods of one more node may be evicted, by zone. */
  readonly #nextMs = new Map<string, number>();
  readonly #nodes = new Map<string, { readonly zone: string; readonly isReady: boolean }>();

  /** Notes a node's state; returns whether that changes what may be evicted anywhere. */
  set(node: string, zone: string, isReady: boolean): boolean {
    const before = this.#nodes.get(node);
    if (before?.zone === zone && before.isReady === isReady) return false;
    const stood = this.#standing();
    this.#drop(node);
    this.#nodes.set(node, { zone, isReady });
    this.#count(zone, isReady, 1);
    return this.#standing() !== stood;
  }

  remove(node: string): boolean {
    const stood = this.#standing();
    this.#drop(node);
    return this.#standing() !== stood;
  }

  stateOf(zone: string): ZoneState {
    const { ready, ill } = this.#zones.get(zone) ?? NO_NODES;
    if (ready === 0 && ill > 0) return 'disrupted';
    return ill > 2 && ill / (ill + ready) >= UNHEALTHY_SHARE ? 'partly-disrupted' : 'normal';
  }

  /** No node of any zone is well: it is the control plane that is cut off, and nothing is to be evicted. */
  get allDisrupted(): boolean {
    return (
      this.#zones.size > 0 && [...this.#zones.values()].every(({ ready, ill }) => ready === 0 && ill > 0)
    );
  }

  /**
   * Asks to evict the pods of one more node. 0: now, and it is counted; otherwise how long to wait, in milliseconds;
   * undefined: not while the zone is as it is.
   */
  admit(zone: string, nowMs: number): number | undefined {
    const { ready, ill } = this.#zones.get(zone) ?? NO_NODES;
    const state = this.stateOf(zone);
    if (state === 'partly-disrupted' && ready + ill <= SMALL_ZONE_NODES) return undefined;
    const nextMs = this.#nextMs.get(zone) ?? 0;
    if (nextMs > nowMs) return nextMs - nowMs;
    const intervalMs = state === 'partly-disrupted' ? SLOW_EVICTION_INTERVAL_MS : EVICTION_INTERVAL_MS;
    this.#nextMs.set(zone, nowMs + intervalMs);
    return 0;
  }

  #standing(): string {
    return [...this.#zones.keys()].map((zone) => `${zone}=${this.stateOf(zone)}`).join();
  }

  #drop(node: string): void {
    const before = this.#nodes.get(node);
    if (before === undefined) return;
    this.#nodes.delete(node);
    this.#count(before.zone, before.isReady, -1);
  }

  #count(name: string, isReady: boolean, difference: 1 | -1): void {
    const zone = this.#zones.get(name) ?? { ...NO_NODES };
    this.#zones.set(name, zone);
    if (isReady) zone.ready += difference;
    else zone.ill += difference;
    if (zone.ready + zone.ill === 0) this.#zones.delete(name);
  }
}
