import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import type { CronSchedule } from '../../api/machinery/cron.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { controllerOf } from '../../api/machinery/object-meta.ts';
import {
  cronJobs,
  jobs,
  type CronJob,
  type CronJobStatus,
  type Job,
} from '../../openapi/generated/batch-v1.ts';
import type { ControllerContext, EventRecorder } from '../runtime/controller.ts';
import { draftJob, endOf, jobName, laterOf, referenceTo, surplusJobs } from './jobs.ts';
import { nextStart } from './schedule.ts';

/** One look at a cron job: what it finds goes into one status at the end. */
export class Look {
  readonly #client: ControllerContext['client'];
  readonly #clock: ControllerContext['clock'];
  readonly #recorder: EventRecorder;
  readonly #before: CronJob;
  readonly #jobs: readonly Job[];
  #status: CronJobStatus;

  constructor(
    { client, clock }: Pick<ControllerContext, 'client' | 'clock'>,
    recorder: EventRecorder,
    cronJob: CronJob,
    owned: readonly Job[],
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#recorder = recorder;
    this.#before = cronJob;
    this.#jobs = owned;
    this.#status = cronJob.status;
  }

  /** As it is with what this look found. */
  get cronJob(): CronJob {
    return { ...this.#before, status: this.#status };
  }

  async postStatus(): Promise<void> {
    if (equalJSON(this.#status, this.#before.status)) return;
    try {
      await this.#client.update(cronJobs, this.cronJob, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Deletes ended jobs beyond the history limits. */
  async cleanUp(): Promise<void> {
    for (const job of surplusJobs(this.#before, this.#jobs)) await this.#delete(job);
  }

  /** Takes notice of jobs that ended, came from elsewhere, or went missing. */
  async observe(): Promise<void> {
    for (const job of this.#jobs) {
      const end = endOf(job);
      const isActive = this.#isActive(job.metadata.uid);
      if (end === undefined && !isActive) await this.#noteStranger(job);
      if (end === undefined) continue;
      if (isActive) {
        this.#forget(job.metadata.uid);
        this.#event(
          'Normal',
          'SawCompletedJob',
          `Saw completed job: ${job.metadata.name}, condition: ${end}`,
        );
      }
      if (end === 'Complete')
        this.#set({
          lastSuccessfulTime: laterOf(this.#status.lastSuccessfulTime, job.status.completionTime),
        });
    }
    for (const { uid, name, namespace } of this.#status.active ?? []) {
      if (this.#jobs.some(({ metadata }) => metadata.uid === uid)) continue;
      if (await this.#exists(namespace, name!)) continue;
      this.#event('Normal', 'MissingJob', `Active job went missing: ${name}`);
      this.#forget(uid);
    }
  }

  /** Starts what is due, if it may. */
  async startDue(schedule: CronSchedule): Promise<void> {
    const { spec } = this.#before;
    const nowMs = this.#clock.now();
    const startMs = this.#dueStart(schedule, nowMs);
    if (startMs === undefined) return;
    const deadlineMs =
      spec.startingDeadlineSeconds === undefined ? Infinity : spec.startingDeadlineSeconds * 1000;
    if (startMs + deadlineMs < nowMs) {
      const time = new Date(startMs).toUTCString().replace('GMT', '+0000');
      this.#event('Warning', 'MissSchedule', `Missed scheduled time to start a job: ${time}`);
      return;
    }
    const active = this.#status.active ?? [];
    const isStarted =
      active.some(({ name }) => name === jobName(this.#before, startMs)) ||
      (this.#status.lastScheduleTime !== undefined && parseTime(this.#status.lastScheduleTime) === startMs);
    if (isStarted) return;
    if (spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      this.#event('Normal', 'JobAlreadyActive', message);
      return;
    }
    if (spec.concurrencyPolicy === 'Replace') await this.#removeActive();
    const job = await this.#create(startMs);
    if (job === undefined) return;
    this.#set({
      active: [...(this.#status.active ?? []), referenceTo(job)],
      lastScheduleTime: formatTime(startMs),
    });
  }

  #dueStart(schedule: CronSchedule, nowMs: number): number | undefined {
    try {
      const due = nextStart(this.cronJob, schedule, nowMs);
      if (due?.missedMany === true) {
        const message =
          'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
        this.#event('Warning', 'TooManyMissedTimes', message);
      }
      return due?.startMs;
    } catch (error) {
      const message = `invalid schedule: ${this.#before.spec.schedule} : ${(error as Error).message}`;
      this.#event('Warning', 'InvalidSchedule', message);
      return undefined;
    }
  }

  async #removeActive(): Promise<void> {
    for (const { namespace, name } of this.#status.active ?? []) {
      let job: Job;
      try {
        job = await this.#client.get(jobs, { namespace, name: name! });
      } catch (error) {
        this.#event('Warning', 'FailedGet', `Get job: ${(error as Error).message}`);
        throw error;
      }
      if (!(await this.#delete(job))) throw new Error(`could not replace job ${namespace}/${name}`);
    }
  }

  /** Undefined when the job is there and not ours, or known to be active. */
  async #create(startMs: number): Promise<Job | undefined> {
    const draft = draftJob(this.#before, startMs);
    try {
      const job = await this.#client.create(jobs, draft);
      this.#event('Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
      return job;
    } catch (error) {
      if (isAlreadyExists(error)) {
        // Made before the process stopped, or by a look whose status got lost: noted now.
        const { namespace, name } = draft.metadata;
        const job = await this.#client.get(jobs, { namespace, name: name! });
        const isOurs = controllerOf(job)?.uid === this.#before.metadata.uid;
        return isOurs && !this.#isActive(job.metadata.uid) ? job : undefined;
      }
      if (!isNamespaceTerminating(error))
        this.#event('Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`);
      throw error;
    }
  }

  /** A running job the status does not know: the cache may be behind. */
  async #noteStranger(job: Job): Promise<void> {
    const { namespace, name } = this.#before.metadata;
    try {
      const { status } = await this.#client.get(cronJobs, { namespace, name: name! });
      if (status.active?.some(({ uid }) => uid === job.metadata.uid) === true) return;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return;
    }
    const message = `Saw a job that the controller did not create or forgot: ${job.metadata.name}`;
    this.#event('Warning', 'UnexpectedJob', message);
  }

  async #exists(namespace: string | undefined, name: string): Promise<boolean> {
    try {
      await this.#client.get(jobs, { namespace, name });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** False when it could not be deleted. */
  async #delete({ metadata: { namespace, name, uid } }: Job): Promise<boolean> {
    const options = { propagationPolicy: 'Background', preconditions: { uid } } as const;
    try {
      await this.#client.delete(jobs, { namespace, name: name! }, options);
      this.#event('Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    } catch (error) {
      if (!isNotFound(error)) {
        this.#event('Warning', 'FailedDelete', `Deleted job: ${(error as Error).message}`);
        return false;
      }
    }
    this.#forget(uid);
    return true;
  }

  #isActive(uid: string | undefined): boolean {
    return this.#status.active?.some((job) => job.uid === uid) ?? false;
  }

  #forget(uid: string | undefined): void {
    const active = (this.#status.active ?? []).filter((job) => job.uid !== uid);
    this.#set({ active: active.length === 0 ? undefined : active });
  }

  #set(change: Partial<CronJobStatus>): void {
    this.#status = { ...this.#status, ...change };
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event(this.#before, type, reason, message);
  }
}
