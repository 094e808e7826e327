/**
 * One container of a pod as a state machine over time: pull, start, run, end, restart. It knows nothing of the API: the
 * pod machine drives it and turns it into a container status.
 */
import type {
  Container,
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
} from '../../openapi/generated/core-v1.ts';
import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import { hex64, imageId, imageSizeBytes, parseImage, pullError, type ImageReference } from './images.ts';
import { programOf } from './programs.ts';

/** Durations of what a node does, in milliseconds. Short, so that tests are; long enough to be seen in a watch. */
export const NODE_TIMING = {
  /** Network and volumes of a pod, before its first container. */
  sandboxMs: 5,
  imagePullMs: 120,
  containerStartMs: 20,
  containerStopMs: 20,
  backOffInitialMs: 10_000,
  backOffMaxMs: 300_000,
  /** A container that ran this long starts with the shortest back-off again. */
  backOffResetMs: 600_000,
} as const;

export type ContainerRole = 'init' | 'sidecar' | 'app';

/** What a container machine needs from its pod and node. */
export interface ContainerHost {
  /** The newest state of the pod. */
  pod(): Pod;
  now(): number;
  event(type: 'Normal' | 'Warning', reason: string, message: string, container: ContainerMachine): void;
  hasImage(name: string): boolean;
  addImage(reference: ImageReference): void;
  /** Why the container's configuration cannot be made (a missing ConfigMap key, ...), or undefined. */
  configError(container: Container): string | undefined;
}

type Action = 'restart' | 'pull' | 'pulled' | 'create' | 'finish' | 'become-ready';

export class ContainerMachine {
  readonly spec: Container;
  readonly role: ContainerRole;
  state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  lastTerminated: ContainerStateTerminated | undefined;
  restartCount = 0;
  ready = false;
  started = false;
  readonly #host: ContainerHost;
  #pending: { readonly action: Action; readonly atMs: number } | undefined;
  #begun = false;
  #backOffMs: number = NODE_TIMING.backOffInitialMs;
  #pullBackOffMs: number = NODE_TIMING.backOffInitialMs;
  #pullStartedMs = 0;
  #startedMs = 0;
  #containerId = '';
  #imageId = '';

  constructor(host: ContainerHost, spec: Container, role: ContainerRole, waitingReason: string) {
    this.#host = host;
    this.spec = spec;
    this.role = role;
    this.state = { waiting: { reason: waitingReason } };
  }

  /** Epoch milliseconds of the next change, or undefined when none will come by itself. */
  get dueMs(): number | undefined {
    return this.#pending?.atMs;
  }

  get begun(): boolean {
    return this.#begun;
  }

  get isRunning(): boolean {
    return this.state.running !== undefined;
  }

  get isTerminated(): boolean {
    return this.state.terminated !== undefined;
  }

  get exitCode(): number | undefined {
    return this.state.terminated?.exitCode;
  }

  /** Starts pulling the image, the first step of a container's life. */
  begin(): void {
    this.#begun = true;
    this.#pull();
  }

  /** Takes over what a status says: the process was restarted, the containers were not. */
  restore(status: ContainerStatus): void {
    this.restartCount = status.restartCount;
    this.lastTerminated = status.lastState?.terminated;
    this.state = status.state ?? this.state;
    this.#containerId = status.containerID ?? '';
    this.#imageId = status.imageID ?? '';
    this.ready = status.ready;
    this.started = status.started ?? false;
    const running = status.state?.running;
    if (running !== undefined) {
      this.#begun = true;
      this.#startedMs = parseTime(running.startedAt ?? '');
      this.#planRun();
    } else if (status.state?.terminated !== undefined) {
      this.#begun = true;
    } else if (this.restartCount > 0 || this.lastTerminated !== undefined) {
      this.#begun = true;
      this.#plan('restart', 0);
    }
  }

  /** Does what is due. Returns true when anything changed. */
  step(): boolean {
    const pending = this.#pending;
    if (pending === undefined || pending.atMs > this.#host.now()) return false;
    this.#pending = undefined;
    switch (pending.action) {
      case 'restart':
        this.lastTerminated = this.state.terminated ?? this.lastTerminated;
        this.restartCount++;
        this.#pull();
        break;
      case 'pull':
        this.#pull();
        break;
      case 'pulled':
        this.#pulled();
        break;
      case 'create':
        this.#create();
        break;
      case 'finish':
        this.#finish();
        break;
      case 'become-ready':
        this.started = true;
        this.ready = this.role !== 'init';
        this.#planEnd();
        break;
    }
    return true;
  }

  /** Restarts an ended container: at once the first time, behind a growing back-off later. */
  restart(): void {
    const ended = this.state.terminated!;
    if (this.restartCount === 0) {
      this.#plan('restart', 0);
      return;
    }
    const ranMs = parseTime(ended.finishedAt ?? '') - parseTime(ended.startedAt ?? '');
    if (ranMs >= NODE_TIMING.backOffResetMs) this.#backOffMs = NODE_TIMING.backOffInitialMs;
    const { name, namespace, uid } = this.#host.pod().metadata;
    const full = `${name}_${namespace}(${uid})`;
    this.lastTerminated = ended;
    this.state = {
      waiting: {
        reason: 'CrashLoopBackOff',
        message: `back-off ${formatBackOff(this.#backOffMs)} restarting failed container=${this.spec.name} pod=${full}`,
      },
    };
    this.#host.event(
      'Warning',
      'BackOff',
      `Back-off restarting failed container ${this.spec.name} in pod ${full}`,
      this,
    );
    this.#plan('restart', this.#backOffMs);
    this.#backOffMs = Math.min(this.#backOffMs * 2, NODE_TIMING.backOffMaxMs);
  }

  /** Tells a running container to end, which its program does in its own way. */
  stop(): void {
    this.kill(programOf(this.#host.pod(), this.spec).stopExitCode);
  }

  /** Ends a running container from outside; one that does not run yet never will. */
  kill(exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error'): void {
    this.#pending = undefined;
    this.ready = false;
    this.started = false;
    if (this.state.terminated !== undefined) return;
    if (!this.isRunning) return;
    this.#terminate(exitCode, reason);
  }

  status(): ContainerStatus {
    const reference = parseImage(this.spec.image ?? '');
    const settled = this.#imageId !== '' && !('error' in reference);
    return {
      name: this.spec.name,
      state: this.state,
      lastState: this.lastTerminated === undefined ? {} : { terminated: this.lastTerminated },
      ready: this.role === 'init' ? this.exitCode === 0 : this.ready,
      restartCount: this.restartCount,
      image: settled ? reference.name : (this.spec.image ?? ''),
      imageID: this.#imageId,
      ...(this.#containerId === '' ? {} : { containerID: this.#containerId }),
      started: this.started,
      ...(settled && this.spec.volumeMounts !== undefined
        ? {
            volumeMounts: this.spec.volumeMounts.map((mount) => ({
              name: mount.name,
              mountPath: mount.mountPath,
              ...(mount.readOnly === true ? { readOnly: true, recursiveReadOnly: 'Disabled' as const } : {}),
            })),
          }
        : {}),
    };
  }

  #plan(action: Action, delayMs: number): void {
    this.#pending = { action, atMs: this.#host.now() + delayMs };
  }

  #pull(): void {
    const image = this.spec.image ?? '';
    const reference = parseImage(image);
    if ('error' in reference) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${reference.error}`;
      this.state = { waiting: { reason: 'InvalidImageName', message } };
      this.#host.event('Warning', 'InspectFailed', message, this);
      this.#host.event('Warning', 'Failed', 'Error: InvalidImageName', this);
      return;
    }
    const policy = this.spec.imagePullPolicy ?? 'IfNotPresent';
    const present = this.#host.hasImage(reference.name);
    if (policy === 'Never' && !present) {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      this.state = { waiting: { reason: 'ErrImageNeverPull', message } };
      this.#host.event('Warning', 'ErrImageNeverPull', message, this);
      this.#host.event('Warning', 'Failed', 'Error: ErrImageNeverPull', this);
      return;
    }
    if (present && policy !== 'Always') {
      this.#host.event(
        'Normal',
        'Pulled',
        `Container image "${image}" already present on machine and can be accessed by the pod`,
        this,
      );
      this.#imageId = imageId(reference);
      this.#plan('create', NODE_TIMING.containerStartMs);
      return;
    }
    this.#host.event('Normal', 'Pulling', `Pulling image "${image}"`, this);
    this.#pullStartedMs = this.#host.now();
    this.#plan('pulled', NODE_TIMING.imagePullMs);
  }

  #pulled(): void {
    const image = this.spec.image ?? '';
    const reference = parseImage(image) as ImageReference;
    const error = pullError(reference);
    if (error !== undefined) {
      this.#pullFailed(image, error);
      return;
    }
    this.#host.addImage(reference);
    this.#imageId = imageId(reference);
    const took = formatSeconds(this.#host.now() - this.#pullStartedMs);
    this.#host.event(
      'Normal',
      'Pulled',
      `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${imageSizeBytes(reference)} bytes.`,
      this,
    );
    this.#plan('create', NODE_TIMING.containerStartMs);
  }

  /** Waits as ImagePullBackOff until the next try; ErrImagePull is told in events. */
  #pullFailed(image: string, error: string): void {
    const first = this.state.waiting?.reason !== 'ImagePullBackOff';
    this.#host.event('Warning', 'Failed', `Failed to pull image "${image}": ${error}`, this);
    this.#host.event('Warning', 'Failed', 'Error: ErrImagePull', this);
    this.#host.event('Normal', 'BackOff', `Back-off pulling image "${image}"`, this);
    this.#host.event('Warning', 'Failed', 'Error: ImagePullBackOff', this);
    this.state = {
      waiting: {
        reason: 'ImagePullBackOff',
        message: `Back-off pulling image "${image}": ErrImagePull: ${error}`,
      },
    };
    if (first) this.#pullBackOffMs = NODE_TIMING.backOffInitialMs;
    this.#plan('pull', this.#pullBackOffMs);
    this.#pullBackOffMs = Math.min(this.#pullBackOffMs * 2, NODE_TIMING.backOffMaxMs);
  }

  #create(): void {
    const problem = this.#host.configError(this.spec);
    if (problem !== undefined) {
      this.state = { waiting: { reason: 'CreateContainerConfigError', message: problem } };
      this.#host.event('Warning', 'Failed', `Error: ${problem}`, this);
      this.#plan('create', NODE_TIMING.backOffInitialMs);
      return;
    }
    this.#containerId = `containerd://${hex64(`${this.#host.pod().metadata.uid}/${this.spec.name}/${this.restartCount}`)}`;
    this.#startedMs = this.#host.now();
    this.#host.event('Normal', 'Created', 'Container created', this);
    this.#host.event('Normal', 'Started', 'Container started', this);
    this.state = { running: { startedAt: formatTime(this.#startedMs) } };
    this.started = false;
    this.ready = false;
    this.#planRun();
  }

  /** Plans readiness, behind the initial delays of the probes, and the program's end. */
  #planRun(): void {
    const delayMs =
      1000 *
      ((this.spec.startupProbe?.initialDelaySeconds ?? 0) +
        (this.spec.readinessProbe?.initialDelaySeconds ?? 0));
    const end = programOf(this.#host.pod(), this.spec).end;
    const readyMs = this.#startedMs + delayMs;
    if (end !== undefined && this.#startedMs + end.afterMs <= readyMs) {
      this.#planEnd();
    } else if (readyMs <= this.#host.now()) {
      this.started = true;
      this.ready = this.role !== 'init';
      this.#planEnd();
    } else {
      this.#pending = { action: 'become-ready', atMs: readyMs };
    }
  }

  #planEnd(): void {
    const end = programOf(this.#host.pod(), this.spec).end;
    if (end !== undefined) this.#pending = { action: 'finish', atMs: this.#startedMs + end.afterMs };
  }

  #finish(): void {
    const exitCode = programOf(this.#host.pod(), this.spec).end?.exitCode ?? 0;
    this.#terminate(exitCode, exitCode === 0 ? 'Completed' : 'Error');
  }

  #terminate(exitCode: number, reason: string): void {
    this.ready = false;
    this.started = false;
    this.state = {
      terminated: {
        exitCode,
        reason,
        startedAt: formatTime(this.#startedMs),
        finishedAt: formatTime(this.#host.now()),
        containerID: this.#containerId,
      },
    };
  }
}

/** As Go prints a duration of whole seconds: `10s`, `1m20s`, `5m0s`. */
function formatBackOff(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

/** As Go prints a duration rounded to milliseconds: `120ms`, `1.5s`. */
function formatSeconds(ms: number): string {
  return ms < 1000 ? `${ms}ms` : `${ms / 1000}s`;
}
