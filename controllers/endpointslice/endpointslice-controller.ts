/** Keeps EndpointSlices of services with a selector. Mirrors pkg/controller/endpointslice. */
import { isNamespaceTerminating, StatusError } from '../../api/machinery/errors.ts';
import { isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import { pods, services, nodes, type Node, type Service } from '../../openapi/generated/core-v1.ts';
import { endpointSlices, type EndpointSlice } from '../../openapi/generated/discovery-v1.ts';
import { TRIGGER_ANNOTATION, selectedBy, watchServicePods } from '../endpoints/service-pods.ts';
import { TriggerTimes } from '../endpoints/trigger-times.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  RunningController,
} from '../runtime/controller.ts';
import { OwnWrites } from '../runtime/own-writes.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { ManagedSlices } from './managed-slices.ts';
import { isZoneChange, NodeZones } from './node-zones.ts';
import { MANAGED_BY, wantedEndpoints } from './service-endpoints.ts';
import { recycle, sliceOf, type SliceChanges, type SliceDraft } from './slice-draft.ts';
import { isOwnedBy, planSlices } from './slice-plan.ts';
import { addDistributionHints, isDistribution, removeHints } from './traffic-distribution.ts';
import { disabled, hintsWanted, ZoneHints, type HintEvent } from './zone-hints.ts';

/** Wait before a change of somebody else is put right. */
const FOREIGN_CHANGE_DELAY_MS = 1000;
const RETRIES = { initialMs: 1000, maxMs: 1_000_000, count: 15 } as const;
const SERVICE_GVK = { apiVersion: 'v1', kind: 'Service' } as const;

export const endpointSliceController: ControllerDefinition = {
  name: 'endpointslice-controller',
  aliases: ['endpointslice'],
  description: {
    does: 'Keeps the EndpointSlices of services with a selector, for each IP family its own: the addresses and conditions of their pods, 100 to a slice, with hints by `trafficDistribution` and topology mode.',
    watches: ['endpointslices', 'nodes', 'pods', 'services'],
    writes: ['endpointslices'],
    events: ['FailedToUpdateEndpointSlices', 'TopologyAwareHintsDisabled', 'TopologyAwareHintsEnabled'],
  },
  setup: (context) =>
    new SliceController({ ...context, client: context.client.as('endpointslice-controller') }),
};

class SliceController implements RunningController {
  readonly #recorder: EventRecorder;
  readonly #services: Informer<Service>;
  readonly #nodes: Informer<Node>;
  readonly #slices: ManagedSlices;
  readonly #reconciler: Reconciler;
  readonly #zones = new NodeZones();
  readonly #zoneHints = new ZoneHints(() => this.#zones.ratios());
  readonly #triggerTimes = new TriggerTimes();

  constructor(context: ControllerContext) {
    const ownWrites = new OwnWrites(context, services, [endpointSlices]);
    this.#recorder = context.recorder('endpoint-slice-controller');
    this.#services = context.informer(services);
    const podInformer = context.informer(pods);
    this.#nodes = context.informer(nodes);
    this.#slices = new ManagedSlices({ ...context, client: ownWrites.client }, MANAGED_BY, (key) =>
      this.#reconciler.queue.addAfter(key, FOREIGN_CHANGE_DELAY_MS),
    );
    this.#reconciler = createReconciler({
      name: 'endpointslice',
      context,
      workers: 5,
      retries: RETRIES,
      ownWrites,
      reconcile: (key) => this.#slices.during(key, () => this.#reconcile(key, podInformer)),
    });
    watchServicePods(this.#reconciler.queue, this.#services, podInformer);
  }

  start(): void {
    // What is there already is looked at with its service.
    this.#slices.start();
    this.#watchNodes();
    this.#reconciler.start?.();
  }

  stop(): void | Promise<void> {
    return this.#reconciler.stop?.();
  }

  #watchNodes(): void {
    const look = (): void => {
      for (const key of this.#zoneHints.overloaded()) this.#reconciler.queue.add(key);
    };
    const changed = (node: Node): void => {
      this.#zones.set(node);
      look();
    };
    this.#nodes.addHandler({
      added: changed,
      updated: (node, old) => {
        if (isZoneChange(node, old)) changed(node);
      },
      deleted: (node) => {
        this.#zones.delete(node);
        look();
      },
    });
  }

  async #reconcile(key: string, podInformer: Parameters<typeof selectedBy>[1]): Promise<void> {
    const service = this.#services.get(key);
    if (service === undefined) {
      // The garbage collector removes the slices of a service that is gone.
      this.#triggerTimes.forget(key);
      this.#slices.forget(key);
      return;
    }
    if (service.spec.type === 'ExternalName' || service.spec.selector === undefined) return;
    const selected = selectedBy(service, podInformer);
    const existing = this.#slices.ofService(key).filter((slice) => !isBeingDeleted(slice));
    const scope = { service, key, trigger: this.#triggerTimes.next(service, selected) };
    const problems: string[] = [];
    const families = service.spec.ipFamilies ?? [];
    for (const family of families) {
      const own = existing.filter(({ addressType }) => addressType === family);
      const wanted = wantedEndpoints(service, selected, family, (name) => this.#nodes.get(name), problems);
      await this.#reconcileFamily(scope, own, planSlices(service, own, wanted, family), family, problems);
    }
    for (const slice of existing.filter(({ addressType }) => !families.includes(addressType))) {
      this.#zoneHints.forget(key, slice.addressType);
      await this.#slices.delete(slice);
    }
    if (problems.length > 0) this.#fail(service, problems);
  }

  async #reconcileFamily(
    scope: Scope,
    existing: readonly EndpointSlice[],
    changes: SliceChanges,
    family: string,
    problems: string[],
  ): Promise<void> {
    const events = this.#addHints(scope, existing, changes, family);
    recycle(changes, (slice) => isOwnedBy(slice, scope.service));
    try {
      await this.#write(scope, changes);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
    for (const { type, reason, message } of events)
      this.#recorder.event(scope.service, type, reason, message);
  }

  #addHints(
    { service, key }: Scope,
    existing: readonly EndpointSlice[],
    changes: SliceChanges,
    family: string,
  ): readonly HintEvent[] {
    const touched = new Set([...changes.toUpdate.map(({ base }) => base), ...changes.toDelete]);
    const unchanged = existing.filter((slice) => !touched.has(slice));
    if (hintsWanted(service.metadata.annotations))
      return this.#zoneHints.apply(key, family, changes, unchanged);
    const wasHinted = this.#zoneHints.isPopulated(key);
    this.#zoneHints.forget(key, family);
    const { trafficDistribution } = service.spec;
    if (isDistribution(trafficDistribution)) addDistributionHints(changes, unchanged, trafficDistribution);
    else removeHints(changes, unchanged);
    return wasHinted ? [disabled('Topology Aware Hints has been disabled', family)] : [];
  }

  /** Creates, then updates, then deletes; a service that is going gets nothing new. */
  async #write({ service, trigger }: Scope, { toCreate, toUpdate, toDelete }: SliceChanges): Promise<void> {
    const { namespace, name } = service.metadata;
    const describe = (what: string, error: unknown): Error => {
      const why = error instanceof StatusError ? error.message : String(error);
      return new Error(`failed to ${what} EndpointSlice for Service ${namespace}/${name}: ${why}`, {
        cause: error,
      });
    };
    const objectOf = (draft: SliceDraft): EndpointSlice => {
      const { [TRIGGER_ANNOTATION]: _before, ...rest } = draft.annotations;
      const annotations = trigger === undefined ? rest : { ...rest, [TRIGGER_ANNOTATION]: trigger };
      return sliceOf({ ...draft, annotations }, service, SERVICE_GVK) as EndpointSlice;
    };
    for (const draft of service.metadata.deletionTimestamp === undefined ? toCreate : []) {
      try {
        await this.#slices.create(objectOf(draft));
      } catch (error) {
        if (isNamespaceTerminating(error)) return;
        throw describe('create', error);
      }
    }
    for (const draft of toUpdate) {
      try {
        await this.#slices.update(objectOf(draft));
      } catch (error) {
        throw describe(`update ${draft.base!.metadata.name}`, error);
      }
    }
    for (const slice of toDelete) await this.#slices.delete(slice);
  }

  #fail(service: Service, problems: readonly string[]): never {
    const text = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
    const message = `Error updating Endpoint Slices for Service ${keyOf(service)}: ${text}`;
    this.#recorder.event(service, 'Warning', 'FailedToUpdateEndpointSlices', message);
    throw new Error(text);
  }
}

interface Scope {
  readonly service: Service;
  readonly key: string;
  readonly trigger: string | undefined;
}
