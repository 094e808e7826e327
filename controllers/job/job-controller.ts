/** Runs the pods of jobs to completion. Mirrors pkg/controller/job for plain and indexed jobs. */
import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isConflict, isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { controllerOf, controllerReference, keyOf } from '../../api/machinery/object-meta.ts';
import { jobs, type Job, type JobCondition, type JobStatus } from '../../openapi/generated/batch-v1.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, EventRecorder, Informer, Reconciler, Result, RunningController } from '../runtime/controller.ts';
import { Expectations } from '../runtime/expectations.ts';
import { isPodActive, isPodReady, podFromTemplate, slowStart } from '../runtime/pods.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { completedIndexes, firstFreeIndexes, formatIndexes, INDEX_KEY } from './indexes.ts';

const GVK = { apiVersion: 'batch/v1', kind: 'Job' };
const FINALIZER = 'batch.kubernetes.io/job-tracking';
/** A failed pod is replaced after this, doubling with each failure. */
const BACKOFF_MS = { initial: 10_000, max: 600_000 } as const;

export const jobController: ControllerDefinition = {
  name: 'job-controller',
  aliases: ['job'],
  setup: (context) => new JobController(context),
};

/** Why a job ends. */
interface Ending {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

class JobController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #reconciler: Reconciler;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('job-controller') };
    this.#context = context;
    this.#recorder = context.recorder('job-controller');
    this.#jobs = context.informer(jobs);
    this.#pods = context.informer(pods);
    this.#expectations = new Expectations(context.clock);
    this.#reconciler = createReconciler({ name: 'job', context, workers: 5, reconcile: (key) => this.#reconcile(key) });
    const enqueue = (job: Job): void => this.#reconciler.queue.add(keyOf(job));
    this.#jobs.addHandler({
      added: enqueue,
      updated: enqueue,
      deleted: (job) => {
        this.#expectations.forget(keyOf(job));
        for (const pod of this.#podsOf(job)) this.#reconciler.queue.add(`pod:${keyOf(pod)}`);
      },
    });
    const podChanged = (pod: Pod, isNew: boolean): void => {
      const owner = controllerOf(pod);
      if (owner?.kind !== GVK.kind) {
        if (pod.metadata.finalizers?.includes(FINALIZER) === true) this.#reconciler.queue.add(`pod:${keyOf(pod)}`);
        return;
      }
      const key = `${pod.metadata.namespace}/${owner.name}`;
      if (isNew) this.#expectations.creationObserved(key);
      if (pod.metadata.deletionTimestamp !== undefined) this.#expectations.deletionObserved(key, pod.metadata.uid!);
      this.#reconciler.queue.add(key);
      if (this.#jobs.hasSynced && this.#jobs.get(key)?.metadata.uid !== owner.uid) this.#reconciler.queue.add(`pod:${keyOf(pod)}`);
    };
    this.#pods.addHandler({
      added: (pod) => podChanged(pod, true),
      updated: (pod) => podChanged(pod, false),
      deleted: (pod) => podChanged({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: pod.metadata.deletionTimestamp ?? '' } }, false),
    });
  }

  start(): void {
    this.#reconciler.start?.();
  }

  async stop(): Promise<void> {
    await this.#reconciler.stop?.();
  }

  #podsOf(job: Job): Pod[] {
    return this.#pods.list(job.metadata.namespace).filter((pod) => controllerOf(pod)?.uid === job.metadata.uid);
  }

  async #reconcile(key: string): Promise<Result | void> {
    if (key.startsWith('pod:')) return this.#releaseOrphan(key.slice('pod:'.length));
    const job = this.#jobs.get(key);
    if (job === undefined) {
      this.#expectations.forget(key);
      return;
    }
    if ((job.spec.managedBy ?? '') !== '' && job.spec.managedBy !== 'kubernetes.io/job-controller') return;
    if (isFinished(job)) {
      for (const pod of this.#podsOf(job)) await this.#dropFinalizer(pod);
      return;
    }
    return this.#sync(key, job);
  }

  /** A pod whose job is gone is tracked by nobody. */
  async #releaseOrphan(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (pod === undefined) return;
    const owner = controllerOf(pod);
    const job = owner === undefined ? undefined : this.#jobs.get(`${pod.metadata.namespace}/${owner.name}`);
    if (job === undefined || job.metadata.uid !== owner?.uid) await this.#dropFinalizer(pod);
  }

  async #sync(key: string, job: Job): Promise<Result | void> {
    const now = this.#context.clock.now();
    const owned = this.#podsOf(job);
    const status: JobStatus = { ...job.status, uncountedTerminatedPods: job.status.uncountedTerminatedPods ?? {} };
    const isSuspended = job.spec.suspend === true;
    if (status.startTime === undefined && !isSuspended) status.startTime = formatTime(now);
    const counted = await this.#countEnded(job, owned, status);
    if (counted === undefined) return;
    const active = owned.filter(isPodActive);
    const ending = endingOf(job, counted, now);
    if (ending !== undefined) {
      await this.#finish(key, job, active, counted, ending);
      return;
    }
    let problem: unknown;
    const current: JobStatus = { ...counted, conditions: this.#suspension(job, counted, now) };
    if (this.#expectations.satisfied(key) && job.metadata.deletionTimestamp === undefined) {
      problem = isSuspended ? await this.#deletePods(key, job, active) : await this.#manage(key, job, active, current, now);
    }
    await this.#postStatus(job, this.#withCounters(job, current));
    if (problem !== undefined && !isNamespaceTerminating(problem)) throw problem;
    return wakeUp(job, counted, now);
  }

  /**
   * Counts pods that ended since the last time. A pod is noted as uncounted in one write, loses its finalizer, and is
   * counted in the next write: whatever happens in between, none is counted twice or lost.
   */
  async #countEnded(job: Job, owned: readonly Pod[], status: JobStatus): Promise<JobStatus | undefined> {
    const uncounted = { succeeded: [...(status.uncountedTerminatedPods?.succeeded ?? [])], failed: [...(status.uncountedTerminatedPods?.failed ?? [])] };
    const isNoted = (uid: string): boolean => uncounted.succeeded.includes(uid) || uncounted.failed.includes(uid);
    const ended = owned.filter((pod) => hasFinalizer(pod) && (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed' || isGoneForGood(pod)));
    for (const pod of ended) {
      if (isNoted(pod.metadata.uid!)) continue;
      (pod.status.phase === 'Succeeded' ? uncounted.succeeded : uncounted.failed).push(pod.metadata.uid!);
    }
    if (uncounted.succeeded.length + uncounted.failed.length === 0) return status;
    const noted: JobStatus = { ...status, uncountedTerminatedPods: nonEmpty(uncounted) };
    const written = await this.#write(job, noted);
    if (written === undefined) return undefined;
    for (const pod of ended) await this.#dropFinalizer(pod);
    const indexes = job.spec.completionMode === 'Indexed' ? completedIndexes(owned, status.completedIndexes, job.spec.completions ?? 0) : undefined;
    const counted: JobStatus = {
      ...written.status,
      succeeded: indexes === undefined ? (status.succeeded ?? 0) + uncounted.succeeded.length : indexes.size,
      failed: (status.failed ?? 0) + uncounted.failed.length,
      uncountedTerminatedPods: {},
      ...(indexes === undefined ? {} : { completedIndexes: formatIndexes(indexes) }),
    };
    return (await this.#write(written, counted)) === undefined ? undefined : counted;
  }

  async #write(job: Job, status: JobStatus): Promise<Job | undefined> {
    try {
      const { namespace, name } = job.metadata;
      const current = await this.#context.client.get(jobs, { namespace, name: name! });
      if (current.metadata.uid !== job.metadata.uid) return undefined;
      return await this.#context.client.update(jobs, { ...current, status }, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #dropFinalizer(pod: Pod): Promise<void> {
    const { namespace, name } = pod.metadata;
    try {
      const current = await this.#context.client.get(pods, { namespace, name: name! });
      if (current.metadata.uid !== pod.metadata.uid || !hasFinalizer(current)) return;
      const left = current.metadata.finalizers!.filter((finalizer) => finalizer !== FINALIZER);
      await this.#context.client.update(pods, { ...current, metadata: { ...current.metadata, finalizers: left.length === 0 ? undefined : left } });
    } catch (error) {
      if (isNotFound(error)) return;
      if (isConflict(error)) return this.#dropFinalizer(pod);
      throw error;
    }
  }

  async #manage(key: string, job: Job, active: readonly Pod[], status: JobStatus, now: number): Promise<unknown> {
    const wanted = wantedActive(job, status);
    if (active.length > wanted) return this.#deletePods(key, job, active.slice(wanted));
    const missing = wanted - active.length;
    if (missing === 0 || backOffLeft(status, this.#podsOf(job), now) > 0) return undefined;
    const owned = this.#podsOf(job);
    const indexes = job.spec.completionMode === 'Indexed' ? firstFreeIndexes(missing, job.spec.completions ?? 0, completedIndexes(owned, status.completedIndexes, job.spec.completions ?? 0), active) : [];
    const count = job.spec.completionMode === 'Indexed' ? indexes.length : missing;
    this.#expectations.expectCreations(key, count);
    const { done, error } = await slowStart(count, () => this.#createPod(job, indexes.shift()));
    for (let i = done; i < count; i++) this.#expectations.creationObserved(key);
    return error;
  }

  async #createPod(job: Job, index: number | undefined): Promise<void> {
    const { name, namespace } = job.metadata;
    const draft = podFromTemplate(job.spec.template, index === undefined ? name! : `${name}-${index}`, namespace!, controllerReference(job, GVK));
    draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), FINALIZER];
    if (index !== undefined) indexPod(draft, job, index);
    try {
      const pod = await this.#context.client.create(pods, draft);
      this.#recorder.event(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      if (!isNamespaceTerminating(error)) this.#recorder.event(job, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`);
      throw error;
    }
  }

  async #deletePods(key: string, job: Job, victims: readonly Pod[]): Promise<unknown> {
    this.#expectations.expectDeletions(key, victims.map(({ metadata }) => metadata.uid!));
    for (const pod of victims) {
      // Who is deleted by the job itself does not count as failed.
      await this.#dropFinalizer(pod);
      try {
        await this.#context.client.delete(pods, { namespace: pod.metadata.namespace, name: pod.metadata.name! }, { preconditions: { uid: pod.metadata.uid } });
        this.#recorder.event(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
      } catch (error) {
        this.#expectations.deletionObserved(key, pod.metadata.uid!);
        if (!isNotFound(error)) return error;
      }
    }
    return undefined;
  }

  /** Says first how the job will end, stops its pods, and says that it ended when none is left. */
  async #finish(key: string, job: Job, active: readonly Pod[], status: JobStatus, ending: Ending): Promise<void> {
    const now = formatTime(this.#context.clock.now());
    const early = ending.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
    let conditions = putCondition(status.conditions, early, ending, now);
    if (active.length > 0) await this.#deletePods(key, job, active);
    const left = this.#podsOf(job).filter((pod) => pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed');
    if (left.length > 0) {
      await this.#postStatus(job, this.#withCounters(job, { ...status, conditions }));
      return;
    }
    conditions = putCondition(conditions, ending.type, ending, now);
    const completionTime = ending.type === 'Complete' ? { completionTime: now } : {};
    await this.#postStatus(job, { ...this.#withCounters(job, { ...status, conditions }), ...completionTime });
    if (ending.type === 'Complete') this.#recorder.event(job, 'Normal', 'Completed', 'Job completed');
    else this.#recorder.event(job, 'Warning', ending.reason, ending.message);
  }

  #suspension(job: Job, status: JobStatus, nowMs: number): JobCondition[] | undefined {
    const before = status.conditions?.find(({ type }) => type === 'Suspended');
    const now = formatTime(nowMs);
    if (job.spec.suspend === true && before?.status !== 'True') {
      this.#recorder.event(job, 'Normal', 'Suspended', 'Job suspended');
      return putCondition(status.conditions, 'Suspended', { reason: 'JobSuspended', message: 'Job suspended' }, now);
    }
    if (job.spec.suspend !== true && before?.status === 'True') {
      this.#recorder.event(job, 'Normal', 'Resumed', 'Job resumed');
      return putCondition(status.conditions, 'Suspended', { reason: 'JobResumed', message: 'Job resumed' }, now, 'False');
    }
    return status.conditions;
  }

  #withCounters(job: Job, status: JobStatus): JobStatus {
    const owned = this.#podsOf(job);
    const active = owned.filter(isPodActive);
    const terminating = owned.filter(({ metadata, status: { phase } }) => metadata.deletionTimestamp !== undefined && phase !== 'Succeeded' && phase !== 'Failed');
    const nonZero = (count: number | undefined): number | undefined => (count === 0 ? undefined : count);
    return {
      ...status,
      active: nonZero(active.length),
      ready: active.filter(isPodReady).length,
      terminating: terminating.length,
      succeeded: nonZero(status.succeeded),
      failed: nonZero(status.failed),
    };
  }

  async #postStatus(job: Job, status: JobStatus): Promise<void> {
    if (!equalJSON(job.status, status)) await this.#write(job, status);
  }
}

function hasFinalizer({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(FINALIZER) ?? false;
}

/** Deleted before it was on a node: it will never end by itself. */
function isGoneForGood({ metadata, spec }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined && ((spec.nodeName ?? '') === '' || (metadata.deletionGracePeriodSeconds ?? 0) === 0);
}

function nonEmpty(lists: { succeeded: string[]; failed: string[] }): { succeeded?: string[]; failed?: string[] } {
  return {
    ...(lists.succeeded.length === 0 ? {} : { succeeded: lists.succeeded }),
    ...(lists.failed.length === 0 ? {} : { failed: lists.failed }),
  };
}

function isFinished({ status }: Job): boolean {
  return status.conditions?.some(({ type, status: value }) => (type === 'Complete' || type === 'Failed') && value === 'True') ?? false;
}

function endingOf({ spec, status: before }: Job, status: JobStatus, nowMs: number): Ending | undefined {
  const noted = before.conditions?.find(({ type, status: value }) => (type === 'FailureTarget' || type === 'SuccessCriteriaMet') && value === 'True');
  if (noted !== undefined) {
    return { type: noted.type === 'FailureTarget' ? 'Failed' : 'Complete', reason: noted.reason ?? '', message: noted.message ?? '' };
  }
  if ((status.failed ?? 0) > (spec.backoffLimit ?? 6)) {
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  const deadline = deadlineOf(spec.activeDeadlineSeconds, status);
  if (deadline !== undefined && spec.suspend !== true && deadline <= nowMs) {
    return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  const succeeded = status.succeeded ?? 0;
  const isDone = spec.completions === undefined ? succeeded > 0 && (before.active ?? 0) === 0 : succeeded >= spec.completions;
  return isDone && (spec.completions !== 0 || spec.suspend !== true) ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' } : undefined;
}

function deadlineOf(seconds: number | undefined, { startTime }: JobStatus): number | undefined {
  return seconds === undefined || startTime === undefined ? undefined : parseTime(startTime) + seconds * 1000;
}

/** Pods that should run at once. */
function wantedActive({ spec }: Job, status: JobStatus): number {
  const parallelism = spec.parallelism ?? 1;
  if (spec.completions === undefined) return (status.succeeded ?? 0) > 0 ? 0 : parallelism;
  return Math.max(0, Math.min(parallelism, spec.completions - (status.succeeded ?? 0)));
}

/** Milliseconds until a failed pod may be replaced. */
function backOffLeft(status: JobStatus, owned: readonly Pod[], nowMs: number): number {
  const failures = status.failed ?? 0;
  if (failures === 0) return 0;
  const ends = owned.filter(({ status: { phase } }) => phase === 'Failed').map(endOf);
  if (ends.length === 0) return 0;
  const lastSuccess = Math.max(0, ...owned.filter(({ status: { phase } }) => phase === 'Succeeded').map(endOf));
  const consecutive = ends.filter((end) => end > lastSuccess).length;
  if (consecutive === 0) return 0;
  const delay = Math.min(BACKOFF_MS.initial * 2 ** (consecutive - 1), BACKOFF_MS.max);
  return Math.max(0, Math.max(...ends) + delay - nowMs);
}

function endOf({ status, metadata }: Pod): number {
  const ends = (status.containerStatuses ?? []).map(({ state }) => parseTime(state?.terminated?.finishedAt ?? '')).filter((end) => !Number.isNaN(end));
  return ends.length === 0 ? parseTime(metadata.creationTimestamp ?? '') : Math.max(...ends);
}

/** The next instant at which something happens without an event. */
function wakeUp(job: Job, status: JobStatus, nowMs: number): Result | void {
  const waits: number[] = [];
  const deadline = deadlineOf(job.spec.activeDeadlineSeconds, status);
  if (deadline !== undefined && deadline > nowMs) waits.push(deadline - nowMs);
  if ((status.failed ?? 0) > 0) waits.push(BACKOFF_MS.initial);
  if (waits.length > 0) return { requeueAfterMs: Math.min(...waits) };
}

function putCondition(
  conditions: readonly JobCondition[] | undefined,
  type: string,
  { reason, message }: { readonly reason: string; readonly message: string },
  now: string,
  status = 'True',
): JobCondition[] {
  const before = conditions?.find((condition) => condition.type === type);
  if (before?.status === status) return [...conditions!];
  const others = (conditions ?? []).filter((condition) => condition.type !== type);
  return [...others, { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message }];
}

/** Marks a pod with its index, by name, label, annotation, host name and environment. */
function indexPod(draft: ReturnType<typeof podFromTemplate>, job: Job, index: number): void {
  const text = String(index);
  draft.metadata.labels = { ...draft.metadata.labels, [INDEX_KEY]: text };
  draft.metadata.annotations = { ...draft.metadata.annotations, [INDEX_KEY]: text };
  const variable = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${INDEX_KEY}']` } } };
  const withIndex = <T extends { env?: { name: string }[] }>(container: T): T =>
    container.env?.some(({ name }) => name === variable.name) === true ? container : { ...container, env: [...(container.env ?? []), variable] };
  draft.spec = {
    ...draft.spec,
    hostname: `${job.metadata.name}-${index}`,
    containers: draft.spec.containers.map(withIndex),
    ...(draft.spec.initContainers === undefined ? {} : { initContainers: draft.spec.initContainers.map(withIndex) }),
  };
}

