/** Deletes pods that use devices with a NoExecute taint their claims do not tolerate. Mirrors devicetainteviction. */
import { parseTime } from '../../api/machinery/clock.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import {
  resourceClaims,
  resourceSlices,
  type DeviceRequestAllocationResult,
  type DeviceTaint,
  type ResourceClaim,
  type ResourceSlice,
} from '../../openapi/generated/resource-v1.ts';
import { disruptPod } from '../runtime/disrupt-pod.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  Result,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { referenceTo } from '../runtime/reference.ts';
import { deviceClaimNames, isReservedFor } from '../scheduler/devices/pod-claims.ts';
import { toleratesDeviceTaint } from '../scheduler/devices/requests.ts';

const POOL_INDEX = 'pool of devices';
const CLAIM_POOL_INDEX = 'pool allocated from';

export const deviceTaintEvictionController: ControllerDefinition = {
  name: 'device-taint-eviction-controller',
  description: {
    does: 'Deletes pods whose claims have devices with a NoExecute taint that they do not tolerate, at once or when their tolerationSeconds are over.',
    watches: ['pods', 'resourceclaims', 'resourceslices'],
    writes: ['pods', 'pods/status'],
    events: ['DeviceTaintManagerEviction'],
    leavesOut: [
      'DeviceTaintRules, which are off by default',
      'pods with devices by extended resources, as upstream does',
    ],
  },
  setup: (context) => new DeviceTaintEviction(context).reconciler,
};

class DeviceTaintEviction {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<ResourceClaim>;
  readonly #slices: Informer<ResourceSlice>;
  /** UIDs of pods whose time runs, by key. */
  readonly #doomed = new Map<string, string>();

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('device-taint-eviction-controller') };
    this.#context = context;
    this.#recorder = context.recorder('device-taint-eviction-controller');
    this.#pods = context.informer(pods);
    this.#claims = context.informer(resourceClaims);
    this.#slices = context.informer(resourceSlices);
    this.#slices.addIndex(POOL_INDEX, (slice) => [poolOf(slice)]);
    this.#claims.addIndex(CLAIM_POOL_INDEX, (claim) => [
      ...new Set(resultsOf(claim).map(({ driver, pool }) => `${driver}/${pool}`)),
    ]);
    this.reconciler = createReconciler({
      name: 'device-taint-eviction',
      context,
      workers: 8,
      reconcile: (key) => this.#reconcile(key),
    });
    this.#watch();
  }

  #watch(): void {
    const slicesChanged = (slice: ResourceSlice): void => {
      for (const claim of this.#claims.byIndex(CLAIM_POOL_INDEX, poolOf(slice))) this.#lookAtUsers(claim);
    };
    this.#slices.addHandler({ added: slicesChanged, updated: slicesChanged, deleted: slicesChanged });
    const claimChanged = (claim: ResourceClaim, old?: ResourceClaim): void => {
      this.#lookAtUsers(claim);
      if (old !== undefined) this.#lookAtUsers(old);
    };
    this.#claims.addHandler({ added: claimChanged, updated: claimChanged, deleted: claimChanged });
    const podChanged = ({ metadata, spec }: Pod): void => {
      if (spec.resourceClaims !== undefined && (spec.nodeName ?? '') !== '')
        this.reconciler.queue.add(`${metadata.namespace}/${metadata.name}`);
    };
    this.#pods.addHandler({
      added: podChanged,
      updated: (pod, old) => {
        if (pod.spec.nodeName !== old.spec.nodeName) podChanged(pod);
      },
      deleted: (pod) => this.#doomed.delete(keyOf(pod)),
    });
  }

  #lookAtUsers({ metadata, status }: ResourceClaim): void {
    for (const { apiGroup = '', resource, name } of status?.reservedFor ?? [])
      if (apiGroup === '' && resource === 'pods') this.reconciler.queue.add(`${metadata.namespace}/${name}`);
  }

  async #reconcile(key: string): Promise<Result | void> {
    const pod = this.#pods.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) {
      this.#doomed.delete(key);
      return;
    }
    const whenMs = this.#evictionTimeOf(pod);
    if (whenMs === undefined) {
      if (this.#doomed.get(key) === pod.metadata.uid)
        this.#recorder.event(referenceTo(pod), 'Normal', 'DeviceTaintManagerEviction', 'Cancelling deletion');
      this.#doomed.delete(key);
      return;
    }
    const leftMs = whenMs - this.#context.clock.now();
    if (leftMs > 0) {
      this.#doomed.set(key, pod.metadata.uid!);
      return { requeueAfterMs: leftMs };
    }
    this.#doomed.delete(key);
    await this.#evict(pod);
  }

  /** The earliest that any of the pod's claims says, epoch milliseconds; undefined for never. */
  #evictionTimeOf(pod: Pod): number | undefined {
    if ((pod.spec.nodeName ?? '') === '') return undefined;
    let earliest: number | undefined;
    for (const { name } of deviceClaimNames(pod).names) {
      const claim = this.#claims.get(`${pod.metadata.namespace}/${name}`);
      if (claim === undefined || !isReservedFor(claim, pod)) continue;
      for (const result of resultsOf(claim))
        for (const taint of this.#taintsOf(result)) {
          const whenMs = leavingTimeOf(taint, result);
          if (whenMs !== undefined) earliest = Math.min(earliest ?? Infinity, whenMs);
        }
    }
    return earliest;
  }

  /** NoExecute taints of the device, of the newest generation of its pool. */
  #taintsOf({ driver, pool, device: name }: DeviceRequestAllocationResult): DeviceTaint[] {
    const slices = this.#slices.byIndex(POOL_INDEX, `${driver}/${pool}`);
    const newest = Math.max(...slices.map(({ spec }) => spec.pool.generation));
    return slices
      .filter(({ spec }) => spec.pool.generation === newest)
      .flatMap(({ spec }) => spec.devices?.find((device) => device.name === name)?.taints ?? [])
      .filter(({ effect }) => effect === 'NoExecute');
  }

  async #evict(pod: Pod): Promise<void> {
    this.#recorder.event(referenceTo(pod), 'Normal', 'DeviceTaintManagerEviction', 'Marking for deletion');
    await disruptPod(this.#context, pod, {
      reason: 'DeletionByDeviceTaintManager',
      message: 'Device Taint manager: deleting due to NoExecute taint',
    });
  }
}

function poolOf({ spec }: ResourceSlice): string {
  return `${spec.driver}/${spec.pool.name}`;
}

function resultsOf({ status }: ResourceClaim): readonly DeviceRequestAllocationResult[] {
  return status?.allocation?.devices?.results ?? [];
}

/** When the taint ends the use of the device, epoch milliseconds; undefined when it is tolerated for good. */
function leavingTimeOf(
  taint: DeviceTaint,
  { tolerations = [] }: DeviceRequestAllocationResult,
): number | undefined {
  const addedMs = parseTime(taint.timeAdded ?? '');
  // Only tolerations that name the effect count here, as upstream has it.
  const matching = tolerations.filter(
    (toleration) => toleration.effect === 'NoExecute' && toleratesDeviceTaint(toleration, taint),
  );
  if (matching.some(({ tolerationSeconds }) => tolerationSeconds === undefined)) return undefined;
  const seconds = matching.map(({ tolerationSeconds = 0 }) => Math.max(0, tolerationSeconds));
  return addedMs + (seconds.length === 0 ? 0 : Math.min(...seconds) * 1000);
}
