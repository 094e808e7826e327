/** Makes the volumes of claims larger and changes their attributes, as external-resizer does. */
import { compareAmounts } from '../../api/groups/common/resources.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../openapi/generated/core-v1.ts';
import { volumeAttributesClasses, type VolumeAttributesClass } from '../../openapi/generated/storage-v1.ts';
import type { ControllerContext, EventRecorder, Informer } from '../runtime/controller.ts';
import { DRIVER } from './simulated-driver.ts';

const RESIZING = ['Resizing', 'FileSystemResizePending'];
const NODE_PENDING = 'NodeResizePending';
const NODE_MESSAGE = 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.';

type Status = PersistentVolumeClaim['status'];

export class ClaimResizer {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #classes: Informer<VolumeAttributesClass>;

  constructor(base: ControllerContext) {
    this.#context = { ...base, client: base.client.as('external-resizer') };
    this.#recorder = base.recorder(`external-resizer ${DRIVER}`);
    this.#classes = base.informer(volumeAttributesClasses);
  }

  /** Takes the next step, if there is one, of what a bound claim asks of its volume. */
  async sync(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    if (volume.spec.csi?.driver !== DRIVER || volume.spec.claimRef?.uid !== claim.metadata.uid) return;
    if (!(await this.#grow(claim, volume))) await this.#modify(claim, volume);
  }

  /** Grows the volume, then leaves its file system to the node; returns whether it wrote the claim. */
  async #grow(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<boolean> {
    const wanted = claim.spec.resources?.requests?.['storage'];
    const { capacity, allocatedResources, allocatedResourceStatuses } = claim.status;
    if (wanted === undefined || compareAmounts(wanted, capacity?.['storage']) <= 0) return false;
    const step = allocatedResourceStatuses?.['storage'];
    // The node is at it.
    if (step === NODE_PENDING) return false;
    if (step === undefined || allocatedResources?.['storage'] !== wanted) {
      await this.#writeStatus(claim, {
        ...claim.status,
        allocatedResources: { ...allocatedResources, storage: wanted },
        allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
        conditions: this.#conditions(claim.status, { type: 'Resizing' }),
      });
      const message = `External resizer is resizing volume ${volume.metadata.name}`;
      this.#recorder.event(claim, 'Normal', 'Resizing', message);
      return true;
    }
    if (compareAmounts(wanted, volume.spec.capacity?.['storage']) > 0) {
      const changed = structuredCopy(volume);
      changed.spec.capacity = { ...changed.spec.capacity, storage: wanted };
      await this.#context.client.update(persistentVolumes, changed);
    }
    if (volume.spec.volumeMode === 'Block') await this.#finish(claim, wanted);
    else await this.#leaveToNode(claim);
    return true;
  }

  async #leaveToNode(claim: PersistentVolumeClaim): Promise<void> {
    await this.#writeStatus(claim, {
      ...claim.status,
      allocatedResourceStatuses: { storage: NODE_PENDING },
      conditions: this.#conditions(claim.status, {
        type: 'FileSystemResizePending',
        message: NODE_MESSAGE,
      }),
    });
    const message = 'Require file system resize of volume on node';
    this.#recorder.event(claim, 'Normal', 'FileSystemResizeRequired', message);
  }

  async #finish(claim: PersistentVolumeClaim, storage: string): Promise<void> {
    await this.#writeStatus(claim, resizedStatus(claim.status, storage));
    this.#recorder.event(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded');
  }

  #conditions({ conditions = [] }: Status, next: { type: string; message?: string }): Status['conditions'] {
    const now = formatTime(this.#context.clock.now());
    const others = conditions.filter(({ type }) => !RESIZING.includes(type));
    return [...others, { status: 'True', lastTransitionTime: now, ...next }];
  }

  /** Gives the volume the attributes of the class that the claim names now; waits for a class that is not there. */
  async #modify(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const { currentVolumeAttributesClassName: current, modifyVolumeStatus: begun } = claim.status;
    const target = claim.spec.volumeAttributesClassName ?? '';
    if (target === '' || target === current) return;
    const status = this.#classes.get(target)?.driverName === DRIVER ? 'InProgress' : 'Pending';
    if (begun?.targetVolumeAttributesClassName !== target || begun.status !== status) {
      await this.#writeStatus(claim, {
        ...claim.status,
        modifyVolumeStatus: { targetVolumeAttributesClassName: target, status },
        conditions: this.#modifying(claim.status, status === 'InProgress'),
      });
      if (status === 'Pending') return;
      const message = `external resizer is modifying volume ${claim.metadata.name} with vac ${target}`;
      this.#recorder.event(claim, 'Normal', 'VolumeModify', message);
    } else if (status === 'InProgress') {
      await this.#finishModification(claim, volume, target);
    }
  }

  async #finishModification(
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
    target: string,
  ): Promise<void> {
    if (volume.spec.volumeAttributesClassName !== target) {
      const changed = structuredCopy(volume);
      changed.spec.volumeAttributesClassName = target;
      await this.#context.client.update(persistentVolumes, changed);
    }
    const { modifyVolumeStatus: _done, ...rest } = claim.status;
    await this.#writeStatus(claim, {
      ...rest,
      currentVolumeAttributesClassName: target,
      conditions: this.#modifying(claim.status, false),
    });
    const message = `external resizer modified volume ${claim.metadata.name} with vac ${target} successfully `;
    this.#recorder.event(claim, 'Normal', 'VolumeModifySuccessful', message);
  }

  #modifying({ conditions = [] }: Status, isUnderWay: boolean): Status['conditions'] {
    const others = conditions.filter(({ type }) => type !== 'ModifyingVolume');
    if (!isUnderWay) return others.length === 0 ? undefined : others;
    const now = formatTime(this.#context.clock.now());
    return [...others, { type: 'ModifyingVolume', status: 'True', lastTransitionTime: now }];
  }

  async #writeStatus(claim: PersistentVolumeClaim, status: Status): Promise<void> {
    await this.#context.client.update(
      persistentVolumeClaims,
      { ...claim, status },
      { subresource: 'status' },
    );
  }
}

/** The status of a claim whose volume has its new size everywhere. */
export function resizedStatus(status: Status, storage: string): Status {
  const { conditions = [], allocatedResourceStatuses: _steps, ...rest } = status;
  const others = conditions.filter(({ type }) => !RESIZING.includes(type));
  return {
    ...rest,
    capacity: { ...status.capacity, storage },
    ...(others.length === 0 ? {} : { conditions: others }),
  };
}

/** The size to which a node is to grow the file system of the claim's volume, or undefined. */
export function pendingNodeSize({ status }: PersistentVolumeClaim): string | undefined {
  const isPending = status.allocatedResourceStatuses?.['storage'] === NODE_PENDING;
  return isPending ? status.allocatedResources?.['storage'] : undefined;
}
