/** Attaches the CSI volumes of pods to their nodes, as objects. Mirrors volume/attachdetach and external-attacher. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { createHash } from 'node:crypto';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/machinery/errors.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '../../openapi/generated/core-v1.ts';
import { csiDrivers, volumeAttachments, type VolumeAttachment } from '../../openapi/generated/storage-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { claimNames } from '../scheduler/pod-info.ts';
import { DRIVER } from '../volume-provisioner/simulated-driver.ts';

const VOLUME_INDEX = 'attached volume';

export const attachDetachController: ControllerDefinition = {
  name: 'persistentvolume-attach-detach-controller',
  aliases: ['attachdetach'],
  description: {
    does: `Keeps a VolumeAttachment for each CSI volume on each node whose pods use it; those of ${DRIVER} count as attached at once.`,
    watches: ['csidrivers', 'persistentvolumeclaims', 'persistentvolumes', 'pods', 'volumeattachments'],
    writes: ['volumeattachments', 'volumeattachments/status'],
    events: ['SuccessfulAttachVolume'],
    leavesOut: ['volumes of in-tree plugins', 'status.volumesAttached of nodes', 'forced detaching'],
  },
  setup: (context) => new AttachDetach(context),
};

/** Keys are `<node>/<volume>`. */
class AttachDetach implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #attachments: Informer<VolumeAttachment>;
  readonly #drivers: Informer<{ metadata: { name?: string }; spec: { attachRequired?: boolean } }>;
  /** Pods of a node that use a volume, by key, then by UID. */
  readonly #users = new Map<string, Map<string, Pod>>();
  /** What each pod was found to use. */
  readonly #uses = new Map<string, readonly string[]>();
  readonly #pods: Informer<Pod>;
  readonly #reconciler: Reconciler;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('attachdetach-controller') };
    this.#context = context;
    this.#recorder = context.recorder('attachdetach-controller');
    this.#claims = context.informer(persistentVolumeClaims);
    this.#volumes = context.informer(persistentVolumes);
    this.#attachments = context.informer(volumeAttachments);
    this.#drivers = context.informer(csiDrivers);
    this.#pods = context.informer(pods);
    this.#pods.addIndex(VOLUME_INDEX, (pod) =>
      claimNames(pod).map((claim) => `${pod.metadata.namespace}/${claim}`),
    );
    this.#reconciler = createReconciler({
      name: 'attach-detach',
      context,
      workers: 8,
      reconcile: (key) => this.#reconcile(key),
    });
    const podChanged = (pod: Pod): void => this.#setUses(pod, this.#keysOf(pod));
    this.#pods.addHandler({
      added: podChanged,
      updated: podChanged,
      deleted: (pod) => this.#setUses(pod, []),
    });
    const claimChanged = ({ metadata }: PersistentVolumeClaim): void => {
      for (const pod of this.#pods.byIndex(VOLUME_INDEX, `${metadata.namespace}/${metadata.name}`))
        podChanged(pod);
    };
    this.#claims.addHandler({ added: claimChanged, updated: claimChanged });
    const attachmentChanged = ({ spec }: VolumeAttachment): void =>
      this.#reconciler.queue.add(`${spec.nodeName}/${spec.source.persistentVolumeName ?? ''}`);
    this.#attachments.addHandler({
      added: attachmentChanged,
      updated: attachmentChanged,
      deleted: attachmentChanged,
    });
  }

  start(): void {
    this.#reconciler.start?.();
  }

  async stop(): Promise<void> {
    await this.#reconciler.stop?.();
  }

  #keysOf(pod: Pod): readonly string[] {
    const node = pod.spec.nodeName ?? '';
    if (node === '' || isPodTerminal(pod)) return [];
    return claimNames(pod).flatMap((name) => {
      const claim = this.#claims.get(`${pod.metadata.namespace}/${name}`);
      const volume = claim?.spec.volumeName ?? '';
      return volume === '' || claim?.status.phase !== 'Bound' ? [] : [`${node}/${volume}`];
    });
  }

  #setUses(pod: Pod, keys: readonly string[]): void {
    const uid = pod.metadata.uid!;
    const before = this.#uses.get(uid) ?? [];
    if (keys.length === 0 && before.length === 0) return;
    for (const key of before.filter((each) => !keys.includes(each))) {
      const users = this.#users.get(key);
      users?.delete(uid);
      if (users?.size === 0) this.#users.delete(key);
      this.#reconciler.queue.add(key);
    }
    for (const key of keys) {
      let users = this.#users.get(key);
      if (users === undefined) this.#users.set(key, (users = new Map()));
      users.set(uid, pod);
      if (!before.includes(key)) this.#reconciler.queue.add(key);
    }
    if (keys.length === 0) this.#uses.delete(uid);
    else this.#uses.set(uid, keys);
  }

  async #reconcile(key: string): Promise<void> {
    const [node, name] = key.split('/') as [string, string];
    const volume = this.#volumes.get(name);
    const users = this.#users.get(key);
    const attachment =
      volume === undefined
        ? this.#existing(node, name)
        : this.#attachments.get(attachmentName(volume, node) ?? '');
    if (users !== undefined && volume !== undefined) await this.#attach(node, volume, attachment, users);
    else if (attachment !== undefined) await this.#detach(attachment);
  }

  /** The volume is gone, and with it what the name is made from. */
  #existing(node: string, volume: string): VolumeAttachment | undefined {
    return this.#attachments
      .list()
      .find(({ spec }) => spec.nodeName === node && spec.source.persistentVolumeName === volume);
  }

  async #attach(
    node: string,
    volume: PersistentVolume,
    attachment: VolumeAttachment | undefined,
    users: ReadonlyMap<string, Pod>,
  ): Promise<void> {
    const driver = volume.spec.csi?.driver;
    if (driver === undefined || this.#drivers.get(driver)?.spec.attachRequired === false) return;
    const { client } = this.#context;
    if (attachment === undefined) {
      const persistentVolumeName = volume.metadata.name!;
      await client
        .create(volumeAttachments, {
          metadata: { name: attachmentName(volume, node)! },
          spec: { attacher: driver, nodeName: node, source: { persistentVolumeName } },
        })
        .catch((error: unknown) => {
          if (!isAlreadyExists(error)) throw error;
        });
      return;
    }
    if (attachment.status?.attached === true || driver !== DRIVER) return;
    const attached = { ...attachment, status: { attached: true } };
    await client.update(volumeAttachments, attached, { subresource: 'status' });
    const message = `AttachVolume.Attach succeeded for volume "${volume.metadata.name}" `;
    for (const pod of users.values()) this.#recorder.event(pod, 'Normal', 'SuccessfulAttachVolume', message);
  }

  async #detach({ metadata }: VolumeAttachment): Promise<void> {
    if (metadata.deletionTimestamp !== undefined) return;
    await this.#context.client
      .delete(volumeAttachments, { name: metadata.name! }, { preconditions: { uid: metadata.uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      });
  }
}

/** Mirrors csi getAttachmentName. */
function attachmentName({ spec }: PersistentVolume, node: string): string | undefined {
  if (spec.csi === undefined) return undefined;
  const hash = createHash('sha256').update(`${spec.csi.volumeHandle}${spec.csi.driver}${node}`).digest('hex');
  return `csi-${hash}`;
}
