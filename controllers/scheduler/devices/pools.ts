/** Pools of devices as drivers publish them, and which of them a node reaches. Mirrors structured/internal GatherPools. */
import type { Node } from '../../../openapi/generated/core-v1.ts';
import type { CounterSet, Device, ResourceSlice } from '../../../openapi/generated/resource-v1.ts';
import type { Informer } from '../../runtime/controller.ts';
import { matchesTerm } from '../plugins/node.ts';

/** A device with where it was published. */
export interface PooledDevice {
  readonly device: Device;
  readonly slice: ResourceSlice;
  /** `driver/pool/device`. */
  readonly id: string;
}

export interface Pool {
  /** `driver/pool`. */
  readonly id: string;
  readonly state: 'usable' | 'incomplete' | 'invalid';
  /** Of the slices that the node reaches. */
  readonly devices: readonly PooledDevice[];
  /** Of the pool's other slices: what is allocated of them consumes counters as well. */
  readonly elsewhere: readonly PooledDevice[];
  readonly counterSets: ReadonlyMap<string, CounterSet>;
}

export class DeviceCatalog {
  readonly #onNode = new Map<string, Map<string, ResourceSlice>>();
  readonly #shared = new Map<string, ResourceSlice>();
  readonly #byPool = new Map<string, Map<string, ResourceSlice>>();
  #known = new WeakMap<Node, readonly Pool[]>();

  /** Follows `slices`; add handlers that ask for pools after this. */
  constructor(slices: Informer<ResourceSlice>) {
    slices.addHandler({
      added: (slice) => this.#add(slice),
      updated: (slice, old) => {
        this.#remove(old);
        this.#add(slice);
      },
      deleted: (slice) => this.#remove(slice),
    });
  }

  /** Pools in the order they are tried: by name, those whose devices are prepared while binding last. */
  poolsFor(node: Node): readonly Pool[] {
    let pools = this.#known.get(node);
    if (pools === undefined) this.#known.set(node, (pools = this.#gather(node)));
    return pools;
  }

  #add(slice: ResourceSlice): void {
    const name = slice.metadata.name!;
    const node = nodeOf(slice);
    if (node === undefined) this.#shared.set(name, slice);
    else put(this.#onNode, node, slice);
    put(this.#byPool, poolOf(slice), slice);
    this.#known = new WeakMap();
  }

  #remove(slice: ResourceSlice): void {
    const name = slice.metadata.name!;
    const node = nodeOf(slice);
    if (node === undefined) this.#shared.delete(name);
    else drop(this.#onNode, node, name);
    drop(this.#byPool, poolOf(slice), name);
    this.#known = new WeakMap();
  }

  #gather(node: Node): readonly Pool[] {
    const reached = new Map<string, ResourceSlice[]>();
    const local = this.#onNode.get(node.metadata.name!)?.values() ?? [];
    for (const slice of [...local, ...this.#shared.values()]) {
      if (!reaches(slice, node)) continue;
      const id = poolOf(slice);
      const before = reached.get(id);
      const generation = before?.[0]?.spec.pool.generation ?? -1;
      if (slice.spec.pool.generation > generation) reached.set(id, [slice]);
      else if (slice.spec.pool.generation === generation) before!.push(slice);
    }
    const pools = [...reached].flatMap(([id, slices]) => this.#pool(id, slices) ?? []);
    return pools.sort(
      (a, b) =>
        Number(isPreparedWhileBinding(a)) - Number(isPreparedWhileBinding(b)) ||
        (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
    );
  }

  /** Undefined when the slices that the node reaches are of an older generation than others of the pool. */
  #pool(id: string, slices: readonly ResourceSlice[]): Pool | undefined {
    const { generation, resourceSliceCount } = slices[0]!.spec.pool;
    const all = [...this.#byPool.get(id)!.values()];
    if (slices.length !== resourceSliceCount) {
      if (all.some(({ spec }) => spec.pool.generation > generation)) return undefined;
      const current = all.filter(({ spec }) => spec.pool.generation === generation);
      if (current.length !== resourceSliceCount) return { ...EMPTY, id, state: 'incomplete' };
    }
    const others = all.filter(
      (slice) => slice.spec.pool.generation === generation && !slices.includes(slice),
    );
    const devices = devicesOf(slices);
    const elsewhere = devicesOf(others);
    const counterSets = counterSetsOf(slices);
    const isValid =
      counterSets !== undefined &&
      new Set(devices.map((each) => each.id)).size === devices.length &&
      [...devices, ...elsewhere].every(({ device }) => knowsCounters(device, counterSets));
    if (!isValid) return { ...EMPTY, id, state: 'invalid' };
    return { id, state: 'usable', devices, elsewhere, counterSets };
  }
}

const EMPTY = { devices: [], elsewhere: [], counterSets: new Map() } as const;

function put(groups: Map<string, Map<string, ResourceSlice>>, key: string, slice: ResourceSlice): void {
  let group = groups.get(key);
  if (group === undefined) groups.set(key, (group = new Map()));
  group.set(slice.metadata.name!, slice);
}

function drop(groups: Map<string, Map<string, ResourceSlice>>, key: string, name: string): void {
  const group = groups.get(key);
  group?.delete(name);
  if (group?.size === 0) groups.delete(key);
}

/** The node whose devices these are. Counters are shared by all slices of a pool. */
function nodeOf({ spec }: ResourceSlice): string | undefined {
  return (spec.sharedCounters ?? []).length > 0 ? undefined : spec.nodeName;
}

function poolOf({ spec }: ResourceSlice): string {
  return `${spec.driver}/${spec.pool.name}`;
}

function devicesOf(slices: readonly ResourceSlice[]): PooledDevice[] {
  return [...slices]
    .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
    .flatMap((slice) =>
      (slice.spec.devices ?? []).map((device) => ({ device, slice, id: `${poolOf(slice)}/${device.name}` })),
    );
}

/** Undefined when two have one name. */
function counterSetsOf(slices: readonly ResourceSlice[]): ReadonlyMap<string, CounterSet> | undefined {
  const sets = slices.flatMap(({ spec }) => spec.sharedCounters ?? []);
  const byName = new Map(sets.map((set) => [set.name, set]));
  return byName.size === sets.length ? byName : undefined;
}

function knowsCounters({ consumesCounters = [] }: Device, sets: ReadonlyMap<string, CounterSet>): boolean {
  return consumesCounters.every(({ counterSet, counters }) => {
    const known = sets.get(counterSet)?.counters;
    return known !== undefined && Object.keys(counters).every((name) => known[name] !== undefined);
  });
}

function isPreparedWhileBinding({ devices }: Pool): boolean {
  return devices.some(({ device }) => device.bindingConditions !== undefined);
}

function reaches({ spec }: ResourceSlice, node: Node): boolean {
  if ((spec.sharedCounters ?? []).length > 0) return true;
  if (spec.perDeviceNodeSelection !== true) return isFor(spec, node);
  return (spec.devices ?? []).some((device) => isFor(device, node));
}

/** Whether what a slice or a device says of nodes holds for the node. */
export function isFor(
  { nodeName = '', allNodes, nodeSelector }: Pick<Device, 'nodeName' | 'allNodes' | 'nodeSelector'>,
  node: Node,
): boolean {
  if (nodeName !== '') return node.metadata.name === nodeName;
  if (allNodes === true) return true;
  return nodeSelector?.nodeSelectorTerms.some((term) => matchesTerm(term, node)) ?? false;
}
