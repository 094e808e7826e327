/** Creates and deletes pods with the events that controllers record about it. Mirrors RealPodControl of pkg/controller. */
import type { Client } from '../../api/machinery/client.ts';
import { isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import type { EventRecorder } from './controller.ts';
import type { PodDraft } from './pods.ts';

export class PodControl {
  readonly #client: Client;
  readonly #recorder: EventRecorder;

  constructor(client: Client, recorder: EventRecorder) {
    this.#client = client;
    this.#recorder = recorder;
  }

  /** Rejects with the error of the API; there is no event when the namespace is on its way out. */
  async create(owner: KubeObject, draft: PodDraft): Promise<void> {
    try {
      const { metadata } = await this.#client.create(pods, draft);
      this.#recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${metadata.name}`);
    } catch (error) {
      if (!isNamespaceTerminating(error)) {
        const message = `Error creating: ${(error as Error).message}`;
        this.#recorder.event(owner, 'Warning', 'FailedCreate', message);
      }
      throw error;
    }
  }

  /** False when the pod was gone already. Rejects with what any other error of the API says. */
  async delete(owner: KubeObject, { metadata: { namespace, name, uid } }: Pod): Promise<boolean> {
    try {
      await this.#client.delete(pods, { namespace, name: name! }, { preconditions: { uid } });
      this.#recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      const message = `Error deleting: ${(error as Error).message}`;
      this.#recorder.event(owner, 'Warning', 'FailedDelete', message);
      throw new Error(`unable to delete pods: ${(error as Error).message}`, { cause: error });
    }
  }
}
