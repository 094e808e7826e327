/** Counts pods that ended, each once, and says in the status how the job fares. */
import type { Client } from '../../api/machinery/client.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { jobs, type Job, type JobStatus } from '../../openapi/generated/batch-v1.ts';
import type { EventRecorder } from '../runtime/controller.ts';
import { nonZero } from '../runtime/counts.ts';
import { nextBatch } from './counting.ts';
import { isIndexed } from './indexes.ts';
import type { Ending, Round } from './round.ts';
import { countersOf, uncountedOf, withCondition, type Outcome, type StatusChange } from './status.ts';
import type { TrackedPods } from './tracked-pods.ts';

export class JobTracking {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #pods: TrackedPods;

  constructor(client: Client, recorder: EventRecorder, pods: TrackedPods) {
    this.#client = client;
    this.#recorder = recorder;
    this.#pods = pods;
  }

  /**
   * Writes the status and lets go of pods that ended. A pod is noted as uncounted in one write, loses its finalizer, and
   * is counted in the next write: whatever happens in between, none is counted twice or lost. That a job ends is said
   * first (SuccessCriteriaMet, FailureTarget), and that it has ended only when no pod of it is left running.
   */
  async track(
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
    await Promise.all(batch.pods.map((pod) => this.#pods.release(pod)));
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
    return this.#client.update(jobs, { ...job, status }, { subresource: 'status' });
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
