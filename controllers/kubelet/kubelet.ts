/** Simulated nodes: each registers itself and runs the pods that are bound to it. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import {
  configMaps,
  persistentVolumeClaims,
  pods,
  secrets,
  type Container,
  type Pod,
  type PodStatus,
} from '../../openapi/generated/core-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
  Result,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { resizedStatus } from '../volume-provisioner/claim-resizer.ts';
import { configReferences, type ConfigReference } from './config-references.ts';
import { deviceProblemOf } from './device-claims.ts';
import { DevicePublisher } from './device-publisher.ts';
import { NodeAgent } from './node-agent.ts';
import { nodeName } from './node.ts';
import { PodMachine, type PodHost } from './pod-machine.ts';
import { PodVolumes } from './pod-volumes.ts';

export const kubeletController: ControllerDefinition = {
  name: 'kubelet',
  description: {
    does: 'The simulated nodes, see [reference/nodes.md](reference/nodes.md). `--nodes` sets their number.',
    watches: ['csidrivers', 'nodes', 'persistentvolumeclaims', 'persistentvolumes', 'pods', 'resourceslices'],
    writes: ['leases', 'nodes', 'nodes/status', 'pods', 'pods/status', 'resourceslices'],
    events: [
      'BackOff',
      'Created',
      'DeadlineExceeded',
      'ErrImageNeverPull',
      'Failed',
      'FailedMount',
      'FailedPrepareDynamicResources',
      'FileSystemResizeSuccessful',
      'InspectFailed',
      'InvalidDevices',
      'Killing',
      'NodeHasNoDiskPressure',
      'NodeHasSufficientMemory',
      'NodeHasSufficientPID',
      'NodeReady',
      'Pulled',
      'Pulling',
      'Started',
      'Starting',
    ],
  },
  setup: (context) => new Kubelet(context),
};

/** How long a pod waits before its missing volumes are looked for again. */
const VOLUME_RETRY_MS = 2000;

class Kubelet implements RunningController {
  readonly #context: ControllerContext;
  readonly #agents = new Map<string, NodeAgent>();
  readonly #machines = new Map<string, PodMachine>();
  /** Pods as this kubelet left them, by key: their own events ask for nothing. */
  readonly #left = new Map<string, Pod>();
  readonly #pods: Informer<Pod>;
  readonly #volumes: PodVolumes;
  readonly #reconciler: RunningController;
  readonly #devices: RunningController;

  constructor(context: ControllerContext) {
    this.#context = context;
    for (let index = 1; index <= context.options.nodes; index++) {
      this.#agents.set(nodeName(index), new NodeAgent(context, index));
    }
    this.#pods = context.informer(pods);
    this.#devices = new DevicePublisher(context, this.#agents).reconciler;
    const reconciler = createReconciler({
      name: 'kubelet',
      context,
      workers: 16,
      reconcile: (key) => this.#reconcile(key),
    });
    this.#reconciler = reconciler;
    this.#volumes = new PodVolumes(context, (key) => {
      this.#left.delete(key);
      reconciler.queue.add(key);
    });
    const enqueue = (pod: Pod): void => {
      if (this.#agents.has(pod.spec.nodeName ?? '')) reconciler.queue.add(keyOf(pod));
    };
    this.#pods.addHandler({ added: enqueue, updated: enqueue, deleted: enqueue });
  }

  start(): void {
    for (const pod of this.#pods.list()) {
      const agent = this.#agents.get(pod.spec.nodeName ?? '');
      if (agent === undefined) continue;
      if (pod.status.podIP !== undefined && pod.spec.hostNetwork !== true)
        agent.holdIPs(
          pod.metadata.uid!,
          (pod.status.podIPs ?? []).map(({ ip }) => ip),
        );
      for (const { image, imageID } of pod.status.containerStatuses ?? [])
        if (imageID !== '') agent.holdImage(image);
    }
    for (const agent of this.#agents.values()) agent.start();
    this.#reconciler.start?.();
    this.#devices.start?.();
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents.values()) agent.stop();
    await this.#reconciler.stop?.();
    await this.#devices.stop?.();
  }

  async #reconcile(key: string): Promise<Result | void> {
    const pod = this.#pods.get(key);
    const machine = this.#machines.get(key);
    if (machine !== undefined && this.#left.get(key) === pod && !this.#isDue(key))
      return this.#nextLook(machine);
    // Whatever fails from here on is tried again.
    this.#left.delete(key);
    if (pod === undefined || machine?.pod.metadata.uid !== pod.metadata.uid) await this.#forget(key);
    if (pod === undefined) return;
    const agent = this.#agents.get(pod.spec.nodeName ?? '');
    if (agent === undefined) return;
    const missing = await this.#missingReferences(agent, pod);
    const current = this.#machineOf(key, pod, agent);
    current.pod = pod;
    this.#missing.set(key, missing);
    if (pod.metadata.deletionTimestamp !== undefined) current.terminate();
    const isWaiting = await this.#isWaitingForVolumes(agent, pod, current);
    const blocked =
      pod.metadata.deletionTimestamp === undefined &&
      (isWaiting ||
        this.#reportMissingVolumes(agent, pod, missing, current) ||
        (await this.#reportMissingDevices(agent, pod, current)));
    if (!blocked) current.step();
    if (current.isStopped) await this.#releaseVolumes(agent, pod);
    else if (!isWaiting) await this.#growVolumes(agent, pod);
    const posted = await this.#postStatus(agent, pod, current.status());
    if (current.isStopped && pod.metadata.deletionTimestamp !== undefined) {
      await this.#remove(agent, pod);
      return;
    }
    // Once attached its volumes wake it.
    if (blocked && isWaiting && this.#volumes.problemOf(pod) === undefined) return;
    if (blocked) return { requeueAfterMs: VOLUME_RETRY_MS };
    if (posted !== undefined) this.#left.set(key, posted);
    return this.#nextLook(current);
  }

  /** Takes the volumes of a pod into use, and tells whether it must wait for them before it starts. */
  async #isWaitingForVolumes(agent: NodeAgent, pod: Pod, machine: PodMachine): Promise<boolean> {
    if (machine.isTerminal || machine.isStopped) return false;
    if (this.#volumes.hold(pod)) await agent.reportVolumesInUse(this.#volumes.inUse(agent.name));
    if (machine.hasStarted) return false;
    const problem = this.#volumes.problemOf(pod);
    if (problem !== undefined && pod.metadata.deletionTimestamp === undefined)
      agent.recorder.event(pod, 'Warning', 'FailedMount', problem);
    return problem !== undefined || !this.#volumes.isAttached(pod);
  }

  async #releaseVolumes(agent: NodeAgent, pod: Pod): Promise<void> {
    if (this.#volumes.release(pod)) await agent.reportVolumesInUse(this.#volumes.inUse(agent.name));
  }

  /** Grows the file systems of volumes that are larger than they were. */
  async #growVolumes(agent: NodeAgent, pod: Pod): Promise<void> {
    for (const { claim, size } of this.#volumes.growing(pod)) {
      try {
        const status = resizedStatus(claim.status, size);
        const options = { subresource: 'status' };
        await agent.client.update(persistentVolumeClaims, { ...claim, status }, options);
      } catch (error) {
        // Another pod of the node was first, or the claim changed and wakes the pod again.
        if (!isConflict(error) && !isNotFound(error)) throw error;
        continue;
      }
      const message = `MountVolume.NodeExpandVolume succeeded for volume "${claim.spec.volumeName}" ${agent.name}`;
      for (const object of [pod, claim])
        agent.recorder.event(object, 'Normal', 'FileSystemResizeSuccessful', message);
    }
  }

  /** ConfigMaps and Secrets the pod needs and that do not exist or lack a key, by pod key. */
  readonly #missing = new Map<string, ReadonlyMap<ConfigReference, string>>();

  /** Something is to happen by itself now, or hangs on objects whose events do not come here. */
  #isDue(key: string): boolean {
    const dueMs = this.#machines.get(key)?.dueMs ?? Infinity;
    return dueMs <= this.#context.clock.now() || (this.#missing.get(key)?.size ?? 0) > 0;
  }

  #nextLook({ dueMs }: PodMachine): Result | undefined {
    return dueMs === undefined
      ? undefined
      : { requeueAfterMs: Math.max(0, dueMs - this.#context.clock.now()) };
  }

  #machineOf(key: string, pod: Pod, agent: NodeAgent): PodMachine {
    let machine = this.#machines.get(key);
    if (machine === undefined) {
      machine = new PodMachine(pod, this.#hostFor(key, agent, pod.metadata.uid!));
      this.#machines.set(key, machine);
    }
    return machine;
  }

  #hostFor(key: string, agent: NodeAgent, uid: string): PodHost {
    return {
      now: () => this.#context.clock.now(),
      hostIPs: agent.ips,
      event: (pod, type, reason, message, fieldPath) =>
        agent.recorder.event(pod, type, reason, message, { fieldPath }),
      hasImage: (name) => agent.hasImage(name),
      addImage: (reference) => agent.addImage(reference),
      allocateIPs: () => agent.allocateIPs(uid),
      configError: (_pod, container) => this.#configError(key, container),
    };
  }

  #configError(key: string, container: Container): string | undefined {
    for (const [reference, problem] of this.#missing.get(key) ?? []) {
      if (reference.container === container.name) return problem;
    }
    return undefined;
  }

  async #missingReferences(agent: NodeAgent, pod: Pod): Promise<ReadonlyMap<ConfigReference, string>> {
    const missing = new Map<ConfigReference, string>();
    for (const reference of configReferences(pod)) {
      const problem = await this.#problemOf(agent, pod.metadata.namespace!, reference);
      if (problem !== undefined) missing.set(reference, problem);
    }
    return missing;
  }

  async #problemOf(
    agent: NodeAgent,
    namespace: string,
    reference: ConfigReference,
  ): Promise<string | undefined> {
    const target = { namespace, name: reference.name };
    try {
      const object =
        reference.kind === 'ConfigMap'
          ? await agent.client.get(configMaps, target)
          : await agent.client.get(secrets, target);
      const { key } = reference;
      if (key === undefined || Object.hasOwn(object.data ?? {}, key)) return undefined;
      if ('binaryData' in object && Object.hasOwn(object.binaryData ?? {}, key)) return undefined;
      return `couldn't find key ${reference.key} in ${reference.kind} ${namespace}/${reference.name}`;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return `${reference.kind.toLowerCase()} "${reference.name}" not found`;
    }
  }

  /** Volumes come before containers: while one cannot be set up, nothing starts. */
  #reportMissingVolumes(
    agent: NodeAgent,
    pod: Pod,
    missing: ReadonlyMap<ConfigReference, string>,
    machine: PodMachine,
  ): boolean {
    if (machine.hasStarted || machine.isTerminal) return false;
    let blocked = false;
    for (const [reference, problem] of missing) {
      if (reference.volume === undefined) continue;
      blocked = true;
      const message = `MountVolume.SetUp failed for volume "${reference.volume}" : ${problem}`;
      agent.recorder.event(pod, 'Warning', 'FailedMount', message);
    }
    return blocked;
  }

  /** After volumes come the devices of the pod's claims. */
  async #reportMissingDevices(agent: NodeAgent, pod: Pod, machine: PodMachine): Promise<boolean> {
    const { spec, status } = pod;
    if (spec.resourceClaims === undefined && status.extendedResourceClaimStatus === undefined) return false;
    if (machine.hasStarted || machine.isTerminal) return false;
    const problem = await deviceProblemOf(agent.client, pod);
    if (problem === undefined) return false;
    agent.recorder.event(pod, 'Warning', 'FailedPrepareDynamicResources', problem);
    return true;
  }

  /** Resolves to the pod with that status; undefined when another state of it won, or it is gone. */
  async #postStatus(agent: NodeAgent, pod: Pod, status: PodStatus): Promise<Pod | undefined> {
    if (equalJSON(pod.status, status)) return pod;
    try {
      return await agent.client.update(pods, { ...pod, status }, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      // The informer is behind: its next event brings the pod here again, with the state that won.
      if (!isConflict(error)) throw error;
      const current = await agent.client
        .get(pods, { namespace: pod.metadata.namespace, name: pod.metadata.name! })
        .catch(() => undefined);
      if (current?.metadata.uid !== pod.metadata.uid) return undefined;
      await agent.client.update(
        pods,
        { ...current!, status: { ...current!.status, ...status } },
        { subresource: 'status' },
      );
      return undefined;
    }
  }

  async #remove(agent: NodeAgent, pod: Pod): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await agent.client.delete(
        pods,
        { namespace, name: name! },
        { gracePeriodSeconds: 0, preconditions: { uid } },
      );
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async #forget(key: string): Promise<void> {
    const machine = this.#machines.get(key);
    if (machine === undefined) return;
    const agent = this.#agents.get(machine.pod.spec.nodeName ?? '');
    agent?.releaseIPs(machine.pod.metadata.uid!);
    this.#machines.delete(key);
    this.#missing.delete(key);
    if (agent !== undefined) await this.#releaseVolumes(agent, machine.pod);
  }
}
