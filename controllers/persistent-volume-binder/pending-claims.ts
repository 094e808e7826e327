/** Why a claim stays pending: it waits for a pod, for a volume, or for a provisioner, which is asked for one. */
import { structuredCopy, type Client } from '../../api/machinery/client.ts';
import {
  persistentVolumeClaims,
  type PersistentVolumeClaim,
  type Pod,
} from '../../openapi/generated/core-v1.ts';
import type { StorageClass } from '../../openapi/generated/storage-v1.ts';
import type { EventRecorder, Informer } from '../runtime/controller.ts';
import { SELECTED_NODE_ANNOTATION, STORAGE_PROVISIONER_ANNOTATION } from './annotations.ts';
import { provisionerOf } from './plugins.ts';

const BETA_STORAGE_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';

interface PendingClaimsOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly classes: Informer<StorageClass>;
  /** Pods that use the claim of that key and have not ended. */
  readonly podsOf: (key: string) => readonly Pod[];
}

export class PendingClaims {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #classes: Informer<StorageClass>;
  readonly #podsOf: PendingClaimsOptions['podsOf'];

  constructor({ client, recorder, classes, podsOf }: PendingClaimsOptions) {
    this.#client = client;
    this.#recorder = recorder;
    this.#classes = classes;
    this.#podsOf = podsOf;
  }

  waitsForConsumer(claim: PersistentVolumeClaim): boolean {
    const mode = this.#classOf(claim)?.volumeBindingMode;
    return (
      mode === 'WaitForFirstConsumer' && claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION] === undefined
    );
  }

  #classOf(claim: PersistentVolumeClaim): StorageClass | undefined {
    const name = claim.spec.storageClassName ?? '';
    return name === '' ? undefined : this.#classes.get(name);
  }

  /** Says why the claim stays pending. */
  async announce(claim: PersistentVolumeClaim): Promise<void> {
    const event = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
      this.#recorder.event(claim, type, reason, message);
    const className = claim.spec.storageClassName ?? '';
    if (this.waitsForConsumer(claim)) {
      const pods = this.#waitingPods(claim);
      const [reason, message] =
        pods.length === 0
          ? ['WaitForFirstConsumer', 'waiting for first consumer to be created before binding']
          : [
              'WaitForPodScheduled',
              `waiting for pod${pods.length > 1 ? 's' : ''} ${pods.join(',')} to be scheduled`,
            ];
      event('Normal', reason, message);
    } else if (className === '') {
      const message = 'no persistent volumes available for this claim and no storage class is set';
      event('Normal', 'FailedBinding', message);
    } else {
      await this.#askForVolume(claim, className, event);
    }
  }

  async #askForVolume(
    claim: PersistentVolumeClaim,
    className: string,
    event: (type: 'Normal' | 'Warning', reason: string, message: string) => void,
  ): Promise<void> {
    const storageClass = this.#classes.get(className);
    const provisioner = storageClass === undefined ? undefined : provisionerOf(storageClass.provisioner);
    if (storageClass === undefined) {
      event('Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`);
    } else if (provisioner === undefined) {
      const message = `no volume plugin matched name: ${storageClass.provisioner}`;
      event('Warning', 'ProvisioningFailed', message);
    } else {
      await this.#annotateProvisioner(claim, provisioner);
      event(
        'Normal',
        'ExternalProvisioning',
        `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
          'If volume creation is delayed, please verify that the provisioner is running and correctly registered.',
      );
    }
  }

  /** Names of the pods that use the claim and have no node. */
  #waitingPods({ metadata }: PersistentVolumeClaim): string[] {
    return this.#podsOf(`${metadata.namespace}/${metadata.name}`)
      .filter(({ spec }) => (spec.nodeName ?? '') === '')
      .map((pod) => pod.metadata.name!)
      .sort();
  }

  async #annotateProvisioner(claim: PersistentVolumeClaim, provisioner: string): Promise<void> {
    if (claim.metadata.annotations?.[STORAGE_PROVISIONER_ANNOTATION] === provisioner) return;
    const changed = structuredCopy(claim);
    changed.metadata.annotations = {
      ...changed.metadata.annotations,
      [STORAGE_PROVISIONER_ANNOTATION]: provisioner,
      [BETA_STORAGE_PROVISIONER]: provisioner,
    };
    await this.#client.update(persistentVolumeClaims, changed);
  }
}
