/** Attaches the CSI volumes of pods to their nodes, as objects. Mirrors volume/attachdetach and external-attacher. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/machinery/errors.ts';
import {
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Node,
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
  Result,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { claimNames } from '../scheduler/pod-info.ts';
import { AttachedVolumes } from './attached-volumes.ts';
import { multiAttachMessage } from './messages.ts';
import { attachmentName, isMultiAttachAllowed, uniqueVolumeName } from './volume-names.ts';
import { VolumeUsers } from './volume-users.ts';

const CLAIM_INDEX = 'attached volume';
const VOLUME_INDEX = 'attached to a node';
const NODE_INDEX = 'node of pods with claims';
/** A node that is not ready keeps its volumes for so long after nobody needs them there any more. */
const FORCED_DETACH_MS = 6 * 60_000;
/** Nodes without it attach volumes themselves. */
const MANAGED_ANNOTATION = 'volumes.kubernetes.io/controller-managed-attach-detach';
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

export const attachDetachController: ControllerDefinition = {
  name: 'persistentvolume-attach-detach-controller',
  aliases: ['attachdetach'],
  description: {
    does: 'Keeps a VolumeAttachment for each CSI volume on each node whose pods use it and that leaves attaching to it, tells nodes in status.volumesAttached, and detaches when the node no longer has the volume in use, after six minutes where the node is not ready, at once where it is out of service. Volumes for one node wait until others let go.',
    watches: [
      'csidrivers',
      'nodes',
      'persistentvolumeclaims',
      'persistentvolumes',
      'pods',
      'volumeattachments',
    ],
    writes: ['nodes/status', 'volumeattachments'],
    events: ['FailedAttachVolume', 'SuccessfulAttachVolume'],
    leavesOut: ['iSCSI and Fibre Channel volumes, which upstream reports as attached without doing anything'],
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
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #users: VolumeUsers;
  readonly #attached: AttachedVolumes;
  /** Keys for which it was already said that another node holds the volume. */
  readonly #refused = new Set<string>();
  /** Nodes for which an attachment is being made, by volume. */
  readonly #begun = new Map<string, string>();
  /** What nodes had in use when they went. */
  readonly #lastInUse = new Map<string, readonly string[]>();
  /** Since when nobody needs what is attached, by key. */
  readonly #unneededSince = new Map<string, number>();
  readonly #reconciler: Reconciler;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('attachdetach-controller') };
    this.#context = context;
    this.#recorder = context.recorder('attachdetach-controller');
    this.#claims = context.informer(persistentVolumeClaims);
    this.#volumes = context.informer(persistentVolumes);
    this.#attachments = context.informer(volumeAttachments);
    this.#drivers = context.informer(csiDrivers);
    this.#nodes = context.informer(nodes);
    this.#pods = context.informer(pods);
    this.#attached = new AttachedVolumes(context, (volume) => this.#volumes.get(volume));
    this.#attachments.addIndex(VOLUME_INDEX, ({ spec }) => [spec.source.persistentVolumeName ?? '']);
    this.#pods.addIndex(CLAIM_INDEX, (pod) =>
      claimNames(pod).map((claim) => `${pod.metadata.namespace}/${claim}`),
    );
    this.#pods.addIndex(NODE_INDEX, (pod) => (claimNames(pod).length === 0 ? [] : [pod.spec.nodeName ?? '']));
    this.#reconciler = createReconciler({
      name: 'attach-detach',
      context,
      workers: 8,
      reconcile: (key) => this.#reconcile(key),
    });
    this.#users = new VolumeUsers((key) => this.#reconciler.queue.add(key));
    this.#handlePods();
    this.#handleAttachments();
    this.#nodes.addHandler({
      added: (node) => {
        this.#lastInUse.delete(node.metadata.name!);
        this.#lookAtPodsOf(node);
      },
      updated: (node, old) => {
        if (isManaged(node) && !isManaged(old)) this.#lookAtPodsOf(node);
        this.#nodeChanged(node.metadata.name!);
      },
      deleted: (node) => this.#nodeGone(node),
    });
  }

  #handlePods(): void {
    const podChanged = (pod: Pod): void => this.#users.set(pod, this.#keysOf(pod));
    this.#pods.addHandler({
      added: podChanged,
      updated: podChanged,
      deleted: (pod) => this.#users.set(pod, []),
    });
    const claimChanged = ({ metadata }: PersistentVolumeClaim): void => {
      for (const pod of this.#pods.byIndex(CLAIM_INDEX, `${metadata.namespace}/${metadata.name}`))
        podChanged(pod);
    };
    this.#claims.addHandler({ added: claimChanged, updated: claimChanged });
  }

  #handleAttachments(): void {
    const changed = ({ spec }: VolumeAttachment): void => this.#reconciler.queue.add(keyOfAttachment(spec));
    this.#attachments.addHandler({
      added: (attachment) => {
        this.#begun.delete(attachment.spec.source.persistentVolumeName ?? '');
        changed(attachment);
      },
      updated: (attachment, old) => {
        this.#tellPods(attachment, old);
        changed(attachment);
      },
      deleted: ({ spec }) => {
        this.#unneededSince.delete(keyOfAttachment(spec));
        this.#reconciler.queue.add(keyOfAttachment(spec));
        for (const key of this.#users.keysOf(spec.source.persistentVolumeName ?? ''))
          this.#reconciler.queue.add(key);
      },
    });
  }

  start(): void {
    this.#attached.reconciler.start?.();
    this.#reconciler.start?.();
  }

  async stop(): Promise<void> {
    await this.#reconciler.stop?.();
    await this.#attached.reconciler.stop?.();
  }

  #lookAtPodsOf({ metadata }: Node): void {
    for (const pod of this.#pods.byIndex(NODE_INDEX, metadata.name!))
      for (const key of this.#keysOf(pod)) this.#reconciler.queue.add(key);
  }

  #nodeGone({ metadata, status }: Node): void {
    const name = metadata.name!;
    const holds = this.#attachments.list().some(({ spec }) => spec.nodeName === name);
    if (holds) this.#lastInUse.set(name, status.volumesInUse ?? []);
    this.#nodeChanged(name);
  }

  /** What waits for its node to let go may now go. */
  #nodeChanged(name: string): void {
    for (const key of this.#unneededSince.keys())
      if (key.startsWith(`${name}/`)) this.#reconciler.queue.add(key);
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

  async #reconcile(key: string): Promise<Result | void> {
    const [node, name] = key.split('/') as [string, string];
    const volume = this.#volumes.get(name);
    const attachment = this.#attachments
      .byIndex(VOLUME_INDEX, name)
      .find(({ spec }) => spec.nodeName === node);
    const users = this.#users.of(key);
    if (users === undefined) this.#refused.delete(key);
    if (users !== undefined && volume !== undefined) {
      this.#unneededSince.delete(key);
      await this.#attach(key, volume, attachment, users);
    } else if (attachment !== undefined) return this.#detach(key, volume, attachment);
  }

  async #attach(
    key: string,
    volume: PersistentVolume,
    attachment: VolumeAttachment | undefined,
    users: ReadonlyMap<string, Pod>,
  ): Promise<void> {
    const driver = volume.spec.csi?.driver;
    if (driver === undefined || this.#drivers.get(driver)?.spec.attachRequired === false) return;
    if (attachment === undefined) {
      const node = this.#nodes.get(key.split('/')[0]!);
      if (node === undefined || !isManaged(node)) return;
      if (!this.#isHeldElsewhere(key, volume, users)) await this.#createAttachment(key, volume, driver);
    } else if (attachment.metadata.deletionTimestamp === undefined) {
      this.#attached.keep(key);
    }
  }

  async #createAttachment(key: string, volume: PersistentVolume, driver: string): Promise<void> {
    const [node, persistentVolumeName] = key.split('/') as [string, string];
    this.#begun.set(persistentVolumeName, node);
    await this.#context.client
      .create(volumeAttachments, {
        metadata: { name: attachmentName(volume, node)! },
        spec: { attacher: driver, nodeName: node, source: { persistentVolumeName } },
      })
      .catch((error: unknown) => {
        this.#begun.delete(persistentVolumeName);
        if (!isAlreadyExists(error)) throw error;
      });
  }

  /** A volume for one node waits until the other lets go; its pods are told once. */
  #isHeldElsewhere(key: string, volume: PersistentVolume, users: ReadonlyMap<string, Pod>): boolean {
    if (isMultiAttachAllowed(volume)) return false;
    const name = volume.metadata.name!;
    const begun = this.#begun.get(name);
    const holders = this.#attachments
      .byIndex(VOLUME_INDEX, name)
      .map(({ spec }) => spec.nodeName)
      .concat(begun ?? [])
      .map((node) => `${node}/${name}`)
      .filter((holder) => holder !== key);
    if (holders.length === 0) {
      this.#refused.delete(key);
      return false;
    }
    if (this.#refused.has(key)) return true;
    this.#refused.add(key);
    const others = holders.flatMap((holder) => [...(this.#users.of(holder)?.values() ?? [])]);
    for (const pod of users.values())
      this.#recorder.event(pod, 'Warning', 'FailedAttachVolume', multiAttachMessage(name, pod, others));
    return true;
  }

  /** The outcome of attaching, told to the pods that wait for it. */
  #tellPods({ spec, status }: VolumeAttachment, old: VolumeAttachment): void {
    const volume = spec.source.persistentVolumeName ?? '';
    const users = this.#users.of(`${spec.nodeName}/${volume}`)?.values() ?? [];
    const failure = status?.attachError?.message;
    if (status?.attached === true && old.status?.attached !== true) {
      const message = `AttachVolume.Attach succeeded for volume "${volume}" `;
      for (const pod of users) this.#recorder.event(pod, 'Normal', 'SuccessfulAttachVolume', message);
    } else if (failure !== undefined && status?.attachError?.time !== old.status?.attachError?.time) {
      const message = `AttachVolume.Attach failed for volume "${volume}" : ${failure}`;
      for (const pod of users) this.#recorder.event(pod, 'Warning', 'FailedAttachVolume', message);
    }
  }

  async #detach(
    key: string,
    volume: PersistentVolume | undefined,
    { metadata, spec }: VolumeAttachment,
  ): Promise<Result | void> {
    if (metadata.deletionTimestamp !== undefined) return;
    const now = this.#context.clock.now();
    const since = this.#unneededSince.get(key) ?? now;
    this.#unneededSince.set(key, since);
    const left = FORCED_DETACH_MS - (now - since);
    if (this.#isHeldByNode(spec.nodeName, volume, left <= 0))
      // A node that is ready lets go by itself.
      return left > 0 ? { requeueAfterMs: left, recurring: this.#isReady(spec.nodeName) } : undefined;
    await this.#attached.remove(key);
    await this.#context.client
      .delete(volumeAttachments, { name: metadata.name! }, { preconditions: { uid: metadata.uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      });
  }

  /** Whether the node must let go of the volume first. */
  #isHeldByNode(name: string, volume: PersistentVolume | undefined, isLate: boolean): boolean {
    const node = this.#nodes.get(name);
    const inUse = node === undefined ? this.#lastInUse.get(name) : (node.status.volumesInUse ?? []);
    // Of a node that went before anybody looked nothing is known.
    if (inUse === undefined) return !isLate;
    const unique = volume === undefined ? undefined : uniqueVolumeName(volume);
    if (unique === undefined || !inUse.includes(unique)) return false;
    if (node?.spec.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true) return false;
    return this.#isReady(name) || !isLate;
  }

  #isReady(name: string): boolean {
    const conditions = this.#nodes.get(name)?.status.conditions ?? [];
    return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  }
}

function isManaged({ metadata }: Node): boolean {
  return metadata.annotations?.[MANAGED_ANNOTATION] !== undefined;
}

function keyOfAttachment({ nodeName, source }: VolumeAttachment['spec']): string {
  return `${nodeName}/${source.persistentVolumeName ?? ''}`;
}
