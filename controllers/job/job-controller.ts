/** Runs the pods of jobs to completion. Mirrors pkg/controller/job. */
import { nonZero } from '../runtime/counts.ts';
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import { jobs, type Job, type JobStatus } from '../../openapi/generated/batch-v1.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import {
  adoptersOf,
  claim,
  indexByController,
  isNewlyFree,
  ownedBy,
  resolveController,
} from '../runtime/claims.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  Result,
  RunningController,
} from '../runtime/controller.ts';
import { Expectations } from '../runtime/expectations.ts';
import { PodControl } from '../runtime/pod-control.ts';
import { isPodReady, slowStart } from '../runtime/pods.ts';
import { OwnWrites } from '../runtime/own-writes.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { addOutcomes, delayLeft, NO_FAILURES, type Failures } from './backoff.ts';
import { nextBatch } from './counting.ts';
import { firstFreeIndexes, indexOf, isIndexed } from './indexes.ts';
import { draftPod, FINALIZER, hasFinalizer, JOB_GVK, replacesOnlyFailed, surplusPods } from './job-pods.ts';
import {
  completionOf,
  deadlineLeft,
  endingOf,
  examine,
  indexDelay,
  wantedActive,
  type Ending,
  type Round,
} from './round.ts';
import {
  countersOf,
  isFinished,
  suspension,
  uncountedOf,
  withCondition,
  type Outcome,
  type StatusChange,
} from './status.ts';

const MANAGER = 'kubernetes.io/job-controller';
/** Most pods created or deleted in one go. */
const BURST = 500;
/** Keys of pods that lost their job; those of jobs have no colon. */
const POD_PREFIX = 'pod:';

/** Makes and counts the pods of jobs. */
export const jobController: ControllerDefinition = {
  name: 'job-controller',
  aliases: ['job'],
  description: {
    does:
      'Runs the pods of jobs to completion and counts each once by its finalizer: indexes, back-off, failure and success ' +
      'policies, suspension, deadlines, pod replacement. Leaves jobs alone that `managedBy` gives to another.',
    watches: ['jobs', 'pods'],
    writes: ['jobs/status', 'pods'],
    events: [
      'BackoffLimitExceeded',
      'Completed',
      'DeadlineExceeded',
      'FailedCreate',
      'FailedDelete',
      'FailedIndexes',
      'MaxFailedIndexesExceeded',
      'PodFailurePolicy',
      'Resumed',
      'SuccessfulCreate',
      'SuccessfulDelete',
      'Suspended',
      'TooManySucceededPods',
    ],
  },
  setup: (context) => new JobController(context),
};

/** What is remembered of a job between looks, by its uid. */
interface Memory {
  failures: Failures;
  indexFailures: ReadonlyMap<number, Failures>;
  /** Pods that are in `failures`. */
  readonly seen: Set<string>;
}

class JobController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #podControl: PodControl;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #reconciler: Reconciler;
  readonly #memories = new Map<string, Memory>();
  /** Pods that lost the finalizer, until the cache shows it: they must not be counted again. */
  readonly #untracked = new Set<string>();

  constructor(base: ControllerContext) {
    const acting = { ...base, client: base.client.as('job-controller') };
    const ownWrites = new OwnWrites(acting, jobs, [pods]);
    const context = { ...acting, client: ownWrites.client };
    this.#context = context;
    this.#recorder = context.recorder('job-controller');
    this.#podControl = new PodControl(context.client, this.#recorder);
    this.#jobs = context.informer(jobs);
    this.#pods = context.informer(pods);
    indexByController(this.#pods);
    this.#expectations = new Expectations(context.clock);
    this.#reconciler = createReconciler({
      name: 'job',
      context,
      workers: 5,
      reconcile: (key) => this.#reconcile(key),
      ownWrites,
    });
    const enqueue = (job: Job): void => this.#reconciler.queue.add(keyOf(job));
    this.#jobs.addHandler({ added: enqueue, updated: enqueue, deleted: (job) => this.#jobDeleted(job) });
    this.#pods.addHandler({
      added: (pod) => this.#podChanged(pod, undefined),
      updated: (pod, old) => this.#podChanged(pod, old),
      deleted: (pod) => this.#podDeleted(pod),
    });
  }

  start(): void {
    this.#reconciler.start?.();
  }

  async stop(): Promise<void> {
    await this.#reconciler.stop?.();
  }

  #jobDeleted(job: Job): void {
    this.#expectations.forget(keyOf(job));
    this.#memories.delete(job.metadata.uid!);
    for (const pod of ownedBy(this.#pods, job)) this.#reconciler.queue.add(POD_PREFIX + keyOf(pod));
  }

  #podChanged(pod: Pod, old: Pod | undefined): void {
    if (!hasFinalizer(pod)) this.#untracked.delete(pod.metadata.uid!);
    const before = old === undefined ? undefined : resolveController(old, JOB_GVK.kind, this.#jobs);
    const job = resolveController(pod, JOB_GVK.kind, this.#jobs);
    if (before !== undefined && before !== job) this.#reconciler.queue.add(keyOf(before));
    if (job === undefined) {
      if (hasFinalizer(pod)) this.#reconciler.queue.add(POD_PREFIX + keyOf(pod));
      if (old === undefined || isNewlyFree(pod, old))
        for (const key of adoptersOf(pod, this.#jobs, ({ spec }) => selectorFromLabelSelector(spec.selector)))
          this.#reconciler.queue.add(key);
      return;
    }
    const key = keyOf(job);
    if (old === undefined) this.#expectations.creationObserved(key);
    if (isBeingDeleted(pod)) this.#expectations.deletionObserved(key, pod.metadata.uid!);
    this.#reconciler.queue.add(key);
  }

  #podDeleted(pod: Pod): void {
    this.#untracked.delete(pod.metadata.uid!);
    const job = resolveController(pod, JOB_GVK.kind, this.#jobs);
    if (job === undefined) return;
    this.#expectations.deletionObserved(keyOf(job), pod.metadata.uid!);
    this.#reconciler.queue.add(keyOf(job));
  }

  async #reconcile(key: string): Promise<Result | void> {
    if (key.startsWith(POD_PREFIX)) return this.#releaseOrphan(key.slice(POD_PREFIX.length));
    const job = this.#jobs.get(key);
    if (job === undefined) {
      this.#expectations.forget(key);
      return;
    }
    if ((job.spec.managedBy ?? MANAGER) !== MANAGER) return;
    if (isFinished(job)) {
      this.#memories.delete(job.metadata.uid!);
      await Promise.all(ownedBy(this.#pods, job).map((pod) => this.#dropFinalizer(pod)));
      return;
    }
    return this.#sync(key, job);
  }

  #memory(job: Job): Memory {
    let memory = this.#memories.get(job.metadata.uid!);
    if (memory === undefined) {
      memory = { failures: NO_FAILURES, indexFailures: new Map(), seen: new Set() };
      this.#memories.set(job.metadata.uid!, memory);
    }
    return memory;
  }

  /** A pod whose job is gone is counted by nobody. */
  async #releaseOrphan(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (pod !== undefined && resolveController(pod, JOB_GVK.kind, this.#jobs) === undefined)
      await this.#dropFinalizer(pod);
  }

  async #sync(key: string, job: Job): Promise<Result | void> {
    const { client, clock } = this.#context;
    const isSettled = this.#expectations.satisfied(key);
    const selector = selectorFromLabelSelector(job.spec.selector);
    const owned = await claim({
      client,
      owner: job,
      ownerType: jobs,
      gvk: JOB_GVK,
      informer: this.#pods,
      selector,
      finalizer: FINALIZER,
    });
    const memory = this.#memory(job);
    const round = examine(
      job,
      owned,
      memory.indexFailures,
      (pod) => !this.#untracked.has(pod.metadata.uid!),
      clock.now(),
    );
    remember(memory, round);
    const now = formatTime(round.nowMs);
    const startTime = job.status.startTime ?? (job.spec.suspend === true ? undefined : now);
    let ending = endingOf({ ...round, job: { ...job, status: { ...job.status, startTime } } });
    let outcome = unchanged(round);
    let change: StatusChange = { status: { ...job.status, startTime }, events: [] };
    if (ending !== undefined) outcome = await this.#stopPods(key, round);
    else {
      const mayManage = isSettled && !isBeingDeleted(job);
      if (mayManage) outcome = await this.#manage(key, round, memory.failures);
      ending = completionOf(round, outcome.active);
      if (ending === undefined && mayManage) change = suspension(job, change.status, now);
    }
    await this.#track(round, ending, outcome, change, isSettled);
    if (outcome.error !== undefined && !isNamespaceTerminating(outcome.error)) throw outcome.error;
    if (ending !== undefined) return;
    const waits = [outcome.waitMs, deadlineLeft(job, change.status, round.nowMs)].filter(
      (wait) => wait !== undefined,
    );
    if (waits.length > 0) return { requeueAfterMs: Math.max(0, Math.min(...waits)) };
  }

  /**
   * Writes the status and lets go of pods that ended. A pod is noted as uncounted in one write, loses its finalizer, and
   * is counted in the next write: whatever happens in between, none is counted twice or lost. That a job ends is said
   * first (SuccessCriteriaMet, FailureTarget), and that it has ended only when no pod of it is left running.
   */
  async #track(
    round: Round,
    ending: Ending | undefined,
    outcome: Outcome,
    { status: begun, events }: StatusChange,
    isSettled: boolean,
  ): Promise<void> {
    const now = formatTime(round.nowMs);
    const batch = nextBatch(round, ending);
    const early =
      ending === undefined ? undefined : ending.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
    const conditions =
      early === undefined ? begun.conditions : withCondition(begun.conditions, early, ending!, now);
    const noted: JobStatus = {
      ...begun,
      ...countersOf(round, outcome),
      conditions,
      uncountedTerminatedPods: uncountedOf(round.job, batch),
    };
    const isEnding = !equalJSON(conditions, begun.conditions);
    let written = round.job;
    if (isEnding || hasNews(round.job.status, noted)) written = await this.#writeStatus(written, noted);
    await Promise.all(batch.pods.map((pod) => this.#dropFinalizer(pod)));
    const { succeeded = [], failed = [] } = noted.uncountedTerminatedPods ?? {};
    const counted: JobStatus = {
      ...noted,
      ...(isIndexed(round.job) ? {} : { succeeded: nonZero((begun.succeeded ?? 0) + succeeded.length) }),
      failed: nonZero((begun.failed ?? 0) + failed.length),
      uncountedTerminatedPods: {},
    };
    const isThrough = isSettled && !batch.isFull && outcome.active === 0 && outcome.terminating === 0;
    const hasEnded = ending !== undefined && isThrough;
    if (hasEnded) {
      counted.conditions = withCondition(conditions, ending.type, ending, now);
      if (ending.type === 'Complete') counted.completionTime = now;
    }
    if (!equalJSON(written.status, counted)) await this.#writeStatus(written, counted);
    for (const { reason, message } of events) this.#recorder.event(round.job, 'Normal', reason, message);
    if (hasEnded) this.#announceEnd(round, ending);
  }

  #announceEnd({ job, succeeded }: Round, { type, reason, message }: Ending): void {
    if (type === 'Failed') {
      this.#recorder.event(job, 'Warning', reason, message);
      return;
    }
    if (job.spec.completions !== undefined && succeeded > job.spec.completions) {
      this.#recorder.event(
        job,
        'Warning',
        'TooManySucceededPods',
        'Too many succeeded pods running after completion count reached',
      );
    }
    this.#recorder.event(job, 'Normal', 'Completed', 'Job completed');
  }

  /** Conflicts when the job changed: counting on an older status would lose or double pods. */
  async #writeStatus(job: Job, status: JobStatus): Promise<Job> {
    return this.#context.client.update(jobs, { ...job, status }, { subresource: 'status' });
  }

  async #dropFinalizer(pod: Pod): Promise<void> {
    const uid = pod.metadata.uid!;
    if (!hasFinalizer(pod) || this.#untracked.has(uid)) return;
    this.#untracked.add(uid);
    try {
      const { namespace, name } = pod.metadata;
      const body = { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [FINALIZER] } };
      await this.#context.client.patch(pods, { namespace, name: name! }, { type: 'strategic', body });
    } catch (error) {
      if (!isNotFound(error)) {
        this.#untracked.delete(uid);
        throw error;
      }
    }
    const cached = this.#pods.get(keyOf(pod));
    if (cached?.metadata.uid !== uid || !hasFinalizer(cached)) this.#untracked.delete(uid);
  }

  async #manage(key: string, round: Round, failures: Failures): Promise<Outcome> {
    const { job, active, nowMs, terminating } = round;
    if (job.spec.suspend === true) return this.#removePods(key, round, active);
    const wanted = wantedActive(round);
    const surplus = surplusPods(job, active, Math.max(0, active.length - wanted), nowMs);
    if (surplus.length > 0) return this.#removePods(key, round, surplus.slice(0, BURST));
    const missing = Math.min(wanted - active.length - (replacesOnlyFailed(job) ? terminating : 0), BURST);
    if (missing <= 0) return unchanged(round);
    const isPerIndex = job.spec.backoffLimitPerIndex !== undefined;
    const waitMs = isPerIndex ? 0 : delayLeft(failures, nowMs);
    if (waitMs > 0) return { ...unchanged(round), waitMs };
    return isIndexed(job)
      ? this.#createIndexed(key, round, missing)
      : this.#createPods(key, round, Array<undefined>(missing).fill(undefined));
  }

  async #createIndexed(key: string, round: Round, missing: number): Promise<Outcome> {
    const { job, pods: owned, active, succeededIndexes, failedIndexes } = round;
    const { completions = 0 } = job.spec;
    const busy = replacesOnlyFailed(job) ? owned.filter((pod) => !isPodTerminal(pod)) : active;
    const held = new Set(busy.map((pod) => indexOf(pod, completions)));
    const free = firstFreeIndexes(
      missing,
      completions,
      (index) => succeededIndexes.has(index) || failedIndexes.has(index) || held.has(index),
    );
    // An index that waits for its next try keeps its place among those that run at once.
    const delays = free.map((index) => indexDelay(round, index)).filter((delay) => delay > 0);
    const outcome = await this.#createPods(
      key,
      round,
      free.filter((index) => indexDelay(round, index) === 0),
    );
    return delays.length === 0 ? outcome : { ...outcome, waitMs: Math.min(...delays) };
  }

  async #createPods(key: string, round: Round, indexes: readonly (number | undefined)[]): Promise<Outcome> {
    const queue = [...indexes];
    this.#expectations.expectCreations(key, queue.length);
    const { done, error } = await slowStart(indexes.length, () => this.#createPod(round, queue.shift()));
    for (let i = done; i < indexes.length; i++) this.#expectations.creationObserved(key);
    return { ...unchanged(round), active: round.active.length + done, error: error as Error | undefined };
  }

  #createPod({ job, indexFailures }: Round, index: number | undefined): Promise<void> {
    const failures = index === undefined ? 0 : (indexFailures.get(index)?.count ?? 0);
    return this.#podControl.create(job, draftPod(job, index, failures));
  }

  /** Stops pods that are too many: they do not count as failed. */
  async #removePods(key: string, round: Round, victims: readonly Pod[]): Promise<Outcome> {
    return this.#deletePods(key, round, victims, true);
  }

  /** Stops the pods of a job that ends: these count. */
  async #stopPods(key: string, round: Round): Promise<Outcome> {
    return this.#deletePods(key, round, round.active, false);
  }

  async #deletePods(
    key: string,
    round: Round,
    victims: readonly Pod[],
    isUncounted: boolean,
  ): Promise<Outcome> {
    let error: Error | undefined;
    this.#expectations.expectDeletions(
      key,
      victims.map(({ metadata }) => metadata.uid!),
    );
    const deleted: Pod[] = [];
    const deleteOne = async (pod: Pod): Promise<void> => {
      try {
        if (isUncounted) await this.#dropFinalizer(pod);
        const wasThere = await this.#podControl.delete(round.job, pod);
        if (!wasThere) this.#expectations.deletionObserved(key, pod.metadata.uid!);
        deleted.push(pod);
      } catch (failure) {
        this.#expectations.deletionObserved(key, pod.metadata.uid!);
        error = failure as Error;
      }
    };
    await Promise.all(victims.map(deleteOne));
    return {
      active: round.active.length - deleted.length,
      ready: round.ready - deleted.filter(isPodReady).length,
      terminating: round.terminating + deleted.length,
      error,
    };
  }
}

/** Whether pods ended that the status does not know of: it must, before they lose the finalizer. */
function hasNews(before: JobStatus, after: JobStatus): boolean {
  const record = ({ uncountedTerminatedPods = {}, completedIndexes, failedIndexes }: JobStatus): unknown => [
    uncountedTerminatedPods,
    completedIndexes ?? '',
    failedIndexes ?? '',
  ];
  return !equalJSON(record(before), record(after));
}

/** Adds the pods that ended to the row of failures, each once, however often the look is repeated. */
function remember(memory: Memory, { newSucceeded, newFailed, indexFailures }: Round): void {
  const isUnseen = ({ metadata }: Pod): boolean => !memory.seen.has(metadata.uid!);
  memory.failures = addOutcomes(memory.failures, newSucceeded.filter(isUnseen), newFailed.filter(isUnseen));
  memory.indexFailures = indexFailures;
  for (const { metadata } of [...newSucceeded, ...newFailed]) memory.seen.add(metadata.uid!);
}

/** Nothing was done. */
function unchanged({ active, ready, terminating }: Round): Outcome {
  return { active: active.length, ready, terminating };
}
