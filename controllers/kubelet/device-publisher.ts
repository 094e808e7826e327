/** Publishes the devices that annotations give to simulated nodes, as the drivers of real ones do. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { nodes, type Node } from '../../openapi/generated/core-v1.ts';
import { resourceSlices, type Device, type ResourceSlice } from '../../openapi/generated/resource-v1.ts';
import type { ControllerContext, Informer, Reconciler } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { declaredDevices } from './declared-devices.ts';
import type { NodeAgent } from './node-agent.ts';

/** More do not go into one slice, since any of them may be given a taint. */
const DEVICES_PER_SLICE = 64;
const NODE_INDEX = 'node of kubemu';
/** Marks the slices that are made here. */
const MANAGED_LABEL = 'kubemu.io/simulated-devices';

export class DevicePublisher {
  readonly reconciler: Reconciler;
  readonly #agents: ReadonlyMap<string, NodeAgent>;
  readonly #nodes: Informer<Node>;
  readonly #slices: Informer<ResourceSlice>;

  constructor(context: ControllerContext, agents: ReadonlyMap<string, NodeAgent>) {
    this.#agents = agents;
    this.#nodes = context.informer(nodes);
    this.#slices = context.informer(resourceSlices);
    this.#slices.addIndex(NODE_INDEX, ({ metadata, spec }) =>
      metadata.labels?.[MANAGED_LABEL] === undefined ? [] : [spec.nodeName ?? ''],
    );
    this.reconciler = createReconciler({
      name: 'kubelet devices',
      context,
      workers: 4,
      reconcile: (name) => this.#reconcile(name),
    });
    const { queue } = this.reconciler;
    this.#nodes.addHandler({
      added: ({ metadata }) => {
        if (agents.has(metadata.name!)) queue.add(metadata.name!);
      },
      updated: ({ metadata }, old) => {
        if (agents.has(metadata.name!) && !equalJSON(metadata.annotations, old.metadata.annotations))
          queue.add(metadata.name!);
      },
    });
    this.#slices.addHandler({
      deleted: ({ metadata, spec }) => {
        if (metadata.labels?.[MANAGED_LABEL] !== undefined && agents.has(spec.nodeName ?? ''))
          queue.add(spec.nodeName!);
      },
    });
  }

  async #reconcile(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    const existing = this.#slices.byIndex(NODE_INDEX, name);
    const wanted: ResourceSlice[] = [];
    for (const [driver, devices] of declaredDevices(node)) {
      const current = existing.filter(({ spec }) => spec.driver === driver);
      if (typeof devices !== 'string') wanted.push(...slicesOf(node, driver, devices, current));
      else {
        wanted.push(...current);
        this.#agents.get(name)!.recorder.event(node, 'Warning', 'InvalidDevices', `${driver}: ${devices}`);
      }
    }
    for (const slice of wanted) await this.#put(name, slice);
    const names = new Set(wanted.map(({ metadata }) => metadata.name));
    for (const slice of existing) if (!names.has(slice.metadata.name)) await this.#remove(name, slice);
  }

  async #put(node: string, slice: ResourceSlice): Promise<void> {
    const { client } = this.#agents.get(node)!;
    const current = this.#slices.get(slice.metadata.name!);
    if (current === undefined) await client.create(resourceSlices, slice);
    else if (!equalJSON(current.spec, slice.spec))
      await client.update(resourceSlices, { ...current, spec: slice.spec });
  }

  async #remove(node: string, { metadata }: ResourceSlice): Promise<void> {
    try {
      await this.#agents
        .get(node)!
        .client.delete(resourceSlices, { name: metadata.name! }, { preconditions: { uid: metadata.uid } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

/** The pool is named after the node; its generation grows with every change. Taints that somebody gave devices stay. */
function slicesOf(
  { metadata }: Node,
  driver: string,
  devices: readonly Device[],
  current: readonly ResourceSlice[],
): ResourceSlice[] {
  const known = new Map(current.flatMap(({ spec }) => (spec.devices ?? []).map((each) => [each.name, each])));
  const chunks: Device[][] = [];
  for (const [i, device] of devices.entries()) {
    if (i % DEVICES_PER_SLICE === 0) chunks.push([]);
    const taints = known.get(device.name)?.taints;
    chunks.at(-1)!.push({ ...device, ...(taints === undefined ? {} : { taints }) });
  }
  const generation = Math.max(0, ...current.map(({ spec }) => spec.pool.generation));
  const make = (isNew: boolean): ResourceSlice[] =>
    chunks.map((chunk, i) => ({
      metadata: {
        name: `${metadata.name}-${driver}${i === 0 ? '' : `-${i}`}`,
        labels: { [MANAGED_LABEL]: '' },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Node', name: metadata.name!, uid: metadata.uid!, controller: true },
        ],
      },
      spec: {
        driver,
        pool: {
          name: metadata.name!,
          generation: isNew ? generation + 1 : generation,
          resourceSliceCount: chunks.length,
        },
        nodeName: metadata.name!,
        devices: chunk,
      },
    }));
  const same = make(false);
  const isSame =
    same.length === current.length &&
    same.every(({ metadata: { name }, spec }) =>
      current.some((other) => other.metadata.name === name && equalJSON(other.spec, spec)),
    );
  return isSame ? same : make(true);
}
