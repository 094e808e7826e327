/**
 * A pod on its node as a state machine over time: containers in their order, restarts, the deadline and the end. Driven
 * by the kubelet, which writes `status()` to the API and comes back at `dueMs`.
 */
import type { Container, ContainerStatus, Pod, PodStatus } from '../../openapi/generated/core-v1.ts';
import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import {
  ContainerMachine,
  NODE_TIMING,
  type ContainerHost,
  type ContainerRole,
} from './container-machine.ts';
import type { ImageReference } from './images.ts';
import { podConditions, podPhase, withResources } from './pod-status.ts';

/** Exit code of a container that is killed: 128 + SIGKILL. */
const KILLED = 137;

/** What a pod machine needs from its node. */
export interface PodHost {
  now(): number;
  /** The node's, the primary one first. */
  readonly hostIPs: readonly string[];
  event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void;
  hasImage(name: string): boolean;
  addImage(reference: ImageReference): void;
  /** Addresses for a new pod of this node, one of each family, the primary one first. */
  allocateIPs(): readonly string[];
  configError(pod: Pod, container: Container): string | undefined;
}

export class PodMachine {
  /** The newest state of the object; replaced by the kubelet on every change. */
  pod: Pod;
  readonly #host: PodHost;
  readonly #containers: ContainerMachine[];
  #sandboxIPs: readonly string[] | undefined;
  #sandboxAtMs: number | undefined;
  #startTime: string;
  #stopAtMs: number | undefined;
  #failure: { readonly reason: string; readonly message: string } | undefined;
  #stopped = false;
  #lastPhase: string;

  constructor(pod: Pod, host: PodHost) {
    this.pod = pod;
    this.#host = host;
    this.#startTime = pod.status.startTime ?? formatTime(host.now());
    this.#lastPhase = pod.status.phase ?? 'Pending';
    this.#sandboxIPs = pod.status.podIP === undefined ? undefined : podIPsOf(pod);
    const inits = pod.spec.initContainers ?? [];
    const waitingReason = inits.length > 0 ? 'PodInitializing' : 'ContainerCreating';
    const machine = (container: Container, role: ContainerRole): ContainerMachine =>
      new ContainerMachine(this.#containerHost(), container, role, waitingReason);
    this.#containers = [
      ...inits.map((container) =>
        machine(container, container.restartPolicy === 'Always' ? 'sidecar' : 'init'),
      ),
      ...pod.spec.containers.map((container) => machine(container, 'app')),
    ];
    this.#restore();
  }

  get isTerminal(): boolean {
    return this.#lastPhase === 'Succeeded' || this.#lastPhase === 'Failed';
  }

  /** True once the first container began: from then on missing volumes no longer hold the pod back. */
  get hasStarted(): boolean {
    return this.#containers.some(({ begun }) => begun);
  }

  /** True once every container ended and none will start again. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  /** When the next thing happens by itself, epoch milliseconds. */
  get dueMs(): number | undefined {
    if (this.#stopped) return undefined;
    const dues = this.#containers.map(({ dueMs }) => dueMs);
    dues.push(this.#stopAtMs, this.#deadlineMs());
    // A pod on its way out gets no sandbox any more.
    if (this.#sandboxIPs === undefined && this.#stopAtMs === undefined) dues.push(this.#sandboxAtMs);
    return dues.reduce<number | undefined>(
      (first, due) => (due === undefined ? first : Math.min(first ?? due, due)),
      undefined,
    );
  }

  /** Does everything that is due. */
  step(): void {
    if (this.isTerminal) this.#stopped = true;
    for (let rounds = 0; rounds < 1000 && !this.#stopped && this.#stepOnce(); rounds++);
  }

  /** Begins the end of the pod: containers are told to stop and are gone a moment later. Further calls do nothing. */
  terminate(): void {
    if (this.#stopped || this.#stopAtMs !== undefined) return;
    for (const container of this.#containers) {
      if (container.isRunning)
        this.#event(container, 'Normal', 'Killing', `Stopping container ${container.spec.name}`);
    }
    const graceMs = (this.pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
    this.#stopAtMs = this.#host.now() + Math.min(NODE_TIMING.containerStopMs, graceMs);
  }

  status(): PodStatus {
    const phase = this.#phase();
    const ips = this.#sandboxIPs;
    const inits = this.#statuses((container) => container.role !== 'app');
    const now = formatTime(this.#host.now());
    const generation = this.pod.metadata.generation;
    return {
      ...this.pod.status,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      phase,
      conditions: podConditions(this.pod, this.#containers, phase, ips !== undefined && !this.#stopped, now),
      ...this.#failure,
      hostIP: this.#host.hostIPs[0],
      hostIPs: this.#host.hostIPs.map((ip) => ({ ip })),
      ...(ips === undefined ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
      startTime: this.#startTime,
      ...(inits.length === 0 ? {} : { initContainerStatuses: inits }),
      containerStatuses: this.#statuses((container) => container.role === 'app'),
    };
  }

  #phase(): string {
    if (this.isTerminal) return this.#lastPhase;
    if (this.#failure !== undefined) return 'Failed';
    return podPhase(this.pod, this.#containers, this.#stopped);
  }

  #statuses(wanted: (container: ContainerMachine) => boolean): ContainerStatus[] {
    return this.#containers.filter(wanted).map((container) => withResources(container.status(), this.pod));
  }

  #stepOnce(): boolean {
    const now = this.#host.now();
    if (this.#stopAtMs !== undefined && this.#stopAtMs <= now) {
      this.#stop((container) => container.stop());
      return true;
    }
    const deadline = this.#deadlineMs();
    if (deadline !== undefined && deadline <= now) {
      this.#failure = {
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      };
      this.#event(undefined, 'Normal', 'DeadlineExceeded', this.#failure.message);
      this.#stop((container) => container.kill(KILLED));
      return true;
    }
    let changed = false;
    for (const container of this.#containers) changed = container.step() || changed;
    if (this.#stopAtMs === undefined) changed = this.#prepareSandbox() || this.#startAndRestart() || changed;
    const phase = this.#phase();
    if (phase === 'Succeeded' || phase === 'Failed') {
      for (const container of this.#containers) container.kill(0);
      this.#stopped = true;
      changed = true;
    }
    this.#lastPhase = phase;
    return changed;
  }

  /** Begins to make the sandbox, and gives it its address once it is there. Returns true when that changed anything. */
  #prepareSandbox(): boolean {
    if (this.#sandboxIPs !== undefined) return false;
    const now = this.#host.now();
    const isNew = this.#sandboxAtMs === undefined;
    this.#sandboxAtMs ??= now + NODE_TIMING.sandboxMs;
    if (this.#sandboxAtMs > now) return isNew;
    this.#sandboxIPs = this.pod.spec.hostNetwork === true ? this.#host.hostIPs : this.#host.allocateIPs();
    return true;
  }

  /** Starts the next container whose turn it is, and restarts those that ended and may run again. */
  #startAndRestart(): boolean {
    if (this.#sandboxIPs === undefined) return false;
    let changed = false;
    for (const container of this.#containers) {
      if (!container.begun) {
        container.begin();
        changed = true;
      } else if (container.isTerminated && container.dueMs === undefined && this.#mayRestart(container)) {
        container.restart();
        changed = true;
      }
      const passed =
        container.role === 'init'
          ? container.exitCode === 0
          : container.role === 'sidecar'
            ? container.started
            : true;
      if (!passed) break;
    }
    return changed;
  }

  #mayRestart(container: ContainerMachine): boolean {
    if (container.role === 'sidecar') return true;
    const policy = this.pod.spec.restartPolicy ?? 'Always';
    if (container.role === 'init') return container.exitCode !== 0 && policy !== 'Never';
    return policy === 'Always' || (policy === 'OnFailure' && container.exitCode !== 0);
  }

  #stop(end: (container: ContainerMachine) => void): void {
    for (const container of this.#containers) end(container);
    this.#stopped = true;
    this.#lastPhase = this.#phase();
  }

  #deadlineMs(): number | undefined {
    const seconds = this.pod.spec.activeDeadlineSeconds;
    return seconds === undefined || this.isTerminal ? undefined : parseTime(this.#startTime) + seconds * 1000;
  }

  #restore(): void {
    const statuses = [
      ...(this.pod.status.initContainerStatuses ?? []),
      ...(this.pod.status.containerStatuses ?? []),
    ];
    for (const container of this.#containers) {
      const status = statuses.find(({ name }) => name === container.spec.name);
      if (status !== undefined) container.restore(status);
    }
  }

  #event(
    container: ContainerMachine | undefined,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    const list = container?.role === 'app' ? 'containers' : 'initContainers';
    const fieldPath = container === undefined ? undefined : `spec.${list}{${container.spec.name}}`;
    this.#host.event(this.pod, type, reason, message, fieldPath);
  }

  #containerHost(): ContainerHost {
    const host = this.#host;
    return {
      pod: () => this.pod,
      now: () => host.now(),
      event: (type, reason, message, container) => this.#event(container, type, reason, message),
      hasImage: (name) => host.hasImage(name),
      addImage: (reference) => host.addImage(reference),
      configError: (container) => host.configError(this.pod, container),
    };
  }
}

function podIPsOf({ status }: Pod): string[] {
  return (status.podIPs ?? [{ ip: status.podIP! }]).map(({ ip }) => ip);
}
