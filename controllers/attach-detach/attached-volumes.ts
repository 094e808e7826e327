/** What nodes are told is attached to them. Mirrors attachdetach statusupdater. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { nodes, type Node, type PersistentVolume } from '../../openapi/generated/core-v1.ts';
import { volumeAttachments, type VolumeAttachment } from '../../openapi/generated/storage-v1.ts';
import type { ControllerContext, Informer, Reconciler } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { uniqueVolumeName } from './volume-names.ts';

const NODE_INDEX = 'attached to';

/** Keeps status.volumesAttached of nodes by their attachments. Keys are `<node>/<volume>`. */
export class AttachedVolumes {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #attachments: Informer<VolumeAttachment>;
  readonly #volumeOf: (name: string) => PersistentVolume | undefined;
  /** What is about to be detached. */
  readonly #leaving = new Set<string>();

  constructor(context: ControllerContext, volumeOf: (name: string) => PersistentVolume | undefined) {
    this.#context = context;
    this.#volumeOf = volumeOf;
    this.#nodes = context.informer(nodes);
    this.#attachments = context.informer(volumeAttachments);
    this.#attachments.addIndex(NODE_INDEX, ({ spec }) => [spec.nodeName]);
    this.reconciler = createReconciler({
      name: 'attached volumes',
      context,
      workers: 8,
      reconcile: (node) => this.#report(node),
    });
    const changed = ({ spec }: VolumeAttachment): void => this.reconciler.queue.add(spec.nodeName);
    this.#attachments.addHandler({
      added: changed,
      updated: changed,
      deleted: ({ spec }) => {
        this.#leaving.delete(`${spec.nodeName}/${spec.source.persistentVolumeName ?? ''}`);
        this.reconciler.queue.add(spec.nodeName);
      },
    });
    this.#nodes.addHandler({
      added: ({ metadata }) => this.reconciler.queue.add(metadata.name!),
      updated: ({ metadata, status }, old) => {
        if (!equalJSON(status.volumesAttached, old.status.volumesAttached))
          this.reconciler.queue.add(metadata.name!);
      },
    });
  }

  /** The volume stays after all. */
  keep(key: string): void {
    if (this.#leaving.delete(key)) this.reconciler.queue.add(key.split('/')[0]!);
  }

  /** Takes the volume from its node's list, before it is detached. */
  async remove(key: string): Promise<void> {
    this.#leaving.add(key);
    await this.#report(key.split('/')[0]!);
  }

  async #report(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    const attached = this.#attachments.byIndex(NODE_INDEX, name).flatMap(({ spec, status }) => {
      const volume = spec.source.persistentVolumeName ?? '';
      const found = this.#volumeOf(volume);
      const unique = found === undefined ? undefined : uniqueVolumeName(found);
      const isTold = status?.attached === true && !this.#leaving.has(`${name}/${volume}`);
      return unique === undefined || !isTold ? [] : [unique];
    });
    const volumesAttached = attached.sort().map((unique) => ({ name: unique, devicePath: '' }));
    if (equalJSON(node.status.volumesAttached ?? [], volumesAttached)) return;
    const body = { status: { volumesAttached: volumesAttached.length === 0 ? null : volumesAttached } };
    try {
      await this.#context.client.patch(nodes, { name }, { type: 'merge', body }, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
