/** Runs the pods of jobs to completion. Mirrors pkg/controller/job. */
import { formatTime } from '../../api/machinery/clock.ts';
import { isNamespaceTerminating } from '../../api/machinery/errors.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import { jobs, type Job } from '../../openapi/generated/batch-v1.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import { claim, indexByController, ownedBy, resolveController } from '../runtime/claims.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
  Reconciler,
  Result,
} from '../runtime/controller.ts';
import { Expectations } from '../runtime/expectations.ts';
import { OwnWrites } from '../runtime/own-writes.ts';
import { ownedPodsHandler } from '../runtime/owned-pods.ts';
import { PodControl } from '../runtime/pod-control.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { FINALIZER, hasFinalizer, JOB_GVK } from './job-pods.ts';
import { JobTracking } from './job-tracking.ts';
import { JobMemories, remember } from './memory.ts';
import { PodRounds, unchanged } from './pod-rounds.ts';
import { completionOf, deadlineLeft, endingOf, examine } from './round.ts';
import { isFinished, suspension, type StatusChange } from './status.ts';
import { TrackedPods } from './tracked-pods.ts';

const MANAGER = 'kubernetes.io/job-controller';
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
  setup: (context) => new JobController(context).reconciler,
};

class JobController {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #memories = new JobMemories();
  readonly #tracked: TrackedPods;
  readonly #rounds: PodRounds;
  readonly #tracking: JobTracking;

  constructor(base: ControllerContext) {
    const acting = { ...base, client: base.client.as('job-controller') };
    const ownWrites = new OwnWrites(acting, jobs, [pods]);
    const context = { ...acting, client: ownWrites.client };
    this.#context = context;
    this.#jobs = context.informer(jobs);
    this.#pods = context.informer(pods);
    indexByController(this.#pods);
    this.#expectations = new Expectations(context.clock);
    const recorder = context.recorder('job-controller');
    this.#tracked = new TrackedPods(context.client, this.#pods);
    const podControl = new PodControl(context.client, recorder);
    this.#rounds = new PodRounds(podControl, this.#expectations, this.#tracked);
    this.#tracking = new JobTracking(context.client, recorder, this.#tracked);
    this.reconciler = createReconciler({
      name: 'job',
      context,
      workers: 5,
      reconcile: (key) => this.#reconcile(key),
      ownWrites,
    });
    const enqueue = (job: Job): void => this.reconciler.queue.add(keyOf(job));
    this.#jobs.addHandler({ added: enqueue, updated: enqueue, deleted: (job) => this.#jobDeleted(job) });
    this.#watchPods();
  }

  #watchPods(): void {
    const { queue } = this.reconciler;
    const owned = ownedPodsHandler({
      owners: this.#jobs,
      kind: JOB_GVK.kind,
      selectorOf: ({ spec }) => selectorFromLabelSelector(spec.selector),
      queue,
      expectations: this.#expectations,
    });
    const seen = (pod: Pod): void => {
      this.#tracked.seen(pod);
      if (hasFinalizer(pod) && resolveController(pod, JOB_GVK.kind, this.#jobs) === undefined)
        queue.add(POD_PREFIX + keyOf(pod));
    };
    this.#pods.addHandler({
      added: (pod) => {
        seen(pod);
        owned.added(pod);
      },
      updated: (pod, old) => {
        seen(pod);
        owned.updated(pod, old);
      },
      deleted: (pod) => {
        this.#tracked.gone(pod);
        owned.deleted(pod);
      },
    });
  }

  #jobDeleted(job: Job): void {
    this.#expectations.forget(keyOf(job));
    this.#memories.forget(job);
    for (const pod of ownedBy(this.#pods, job)) this.reconciler.queue.add(POD_PREFIX + keyOf(pod));
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
      this.#memories.forget(job);
      await Promise.all(ownedBy(this.#pods, job).map((pod) => this.#tracked.release(pod)));
      return;
    }
    return this.#sync(key, job);
  }

  /** A pod whose job is gone is counted by nobody. */
  async #releaseOrphan(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (pod !== undefined && resolveController(pod, JOB_GVK.kind, this.#jobs) === undefined)
      await this.#tracked.release(pod);
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
    const memory = this.#memories.of(job);
    const round = examine(
      job,
      owned,
      memory.indexFailures,
      (pod) => !this.#tracked.isReleased(pod),
      clock.now(),
    );
    remember(memory, round);
    const now = formatTime(round.nowMs);
    const startTime = job.status.startTime ?? (job.spec.suspend === true ? undefined : now);
    let ending = endingOf({ ...round, job: { ...job, status: { ...job.status, startTime } } });
    let outcome = unchanged(round);
    let change: StatusChange = { status: { ...job.status, startTime }, events: [] };
    if (ending !== undefined) {
      outcome = await this.#rounds.stop(key, round);
      // Pods may be left that are not known, or could not be deleted.
      if (outcome.active > 0 || !isSettled) ending = undefined;
    } else {
      const mayManage = isSettled && !isBeingDeleted(job);
      if (mayManage) outcome = await this.#rounds.manage(key, round, memory.failures);
      ending = completionOf(round, outcome.active);
      if (ending === undefined && mayManage) change = suspension(job, change.status, now);
    }
    await this.#tracking.track(round, ending, outcome, change, isSettled);
    if (outcome.error !== undefined && !isNamespaceTerminating(outcome.error)) throw outcome.error;
    if (ending !== undefined) return;
    const waits = [outcome.waitMs, deadlineLeft(job, change.status, round.nowMs)].filter(
      (wait) => wait !== undefined,
    );
    if (waits.length > 0) return { requeueAfterMs: Math.max(0, Math.min(...waits)) };
  }
}
