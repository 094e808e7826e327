/** Pods held by the finalizer of jobs, and those that lost it before the cache shows it: they must not be counted again. */
import type { Client } from '../../api/machinery/client.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import type { Informer } from '../runtime/controller.ts';
import { FINALIZER, hasFinalizer } from './job-pods.ts';

export class TrackedPods {
  readonly #client: Client;
  readonly #pods: Informer<Pod>;
  /** By uid. */
  readonly #released = new Set<string>();

  constructor(client: Client, informer: Informer<Pod>) {
    this.#client = client;
    this.#pods = informer;
  }

  isReleased({ metadata }: Pod): boolean {
    return this.#released.has(metadata.uid!);
  }

  /** The cache shows a pod as it is now. */
  seen(pod: Pod): void {
    if (!hasFinalizer(pod)) this.#released.delete(pod.metadata.uid!);
  }

  gone({ metadata }: Pod): void {
    this.#released.delete(metadata.uid!);
  }

  /** Takes the finalizer from a pod that has it; one that is gone needs nothing. */
  async release(pod: Pod): Promise<void> {
    const uid = pod.metadata.uid!;
    if (!hasFinalizer(pod) || this.#released.has(uid)) return;
    this.#released.add(uid);
    try {
      const { namespace, name } = pod.metadata;
      const body = { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [FINALIZER] } };
      await this.#client.patch(pods, { namespace, name: name! }, { type: 'strategic', body });
    } catch (error) {
      if (!isNotFound(error)) {
        this.#released.delete(uid);
        throw error;
      }
    }
    const cached = this.#pods.get(keyOf(pod));
    if (cached?.metadata.uid !== uid || !hasFinalizer(cached)) this.#released.delete(uid);
  }
}
