/** Starts jobs on a schedule. Mirrors cronjob/cronjob_controllerv2.go. */
import { parseCron, type CronSchedule } from '../../api/machinery/cron.ts';
import { isNamespaceTerminating } from '../../api/machinery/errors.ts';
import { controllerOf, isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import { TimeZone, TimeZoneError } from '../../api/machinery/time-zone.ts';
import { cronJobs, jobs, type CronJob, type Job } from '../../openapi/generated/batch-v1.ts';
import { indexByController, ownedBy, resolveController } from '../runtime/claims.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  Result,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { CRON_JOB_GVK } from './jobs.ts';
import { Look } from './look.ts';
import { untilNextStart } from './schedule.ts';

/** Makes jobs as cron jobs say. */
export const cronJobController: ControllerDefinition = {
  name: 'cronjob-controller',
  aliases: ['cronjob'],
  description: {
    does:
      'Starts a job, named after the minute, at each time of a schedule in its time zone: concurrency policies, starting ' +
      'deadlines, made-up and missed starts, suspension, history limits.',
    watches: ['cronjobs', 'jobs'],
    writes: ['cronjobs/status', 'jobs'],
    events: [
      'FailedCreate',
      'FailedDelete',
      'FailedGet',
      'InvalidSchedule',
      'JobAlreadyActive',
      'MissSchedule',
      'MissingJob',
      'SawCompletedJob',
      'SuccessfulCreate',
      'SuccessfulDelete',
      'TooManyMissedTimes',
      'UnexpectedJob',
      'UnknownTimeZone',
      'UnparseableSchedule',
    ],
    leavesOut: ['TZ and CRON_TZ in schedules, which creation refuses as upstream does'],
  },
  setup: (context) => new CronJobController(context).reconciler,
};

/** A schedule as it was read last, by uid. */
interface Parsed {
  readonly text: string;
  readonly timeZone: string | undefined;
  readonly schedule: CronSchedule;
}

class CronJobController {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #cronJobs: Informer<CronJob>;
  readonly #jobs: Informer<Job>;
  readonly #parsed = new Map<string, Parsed>();

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('cronjob-controller') };
    this.#context = context;
    this.#recorder = context.recorder('cronjob-controller');
    this.#cronJobs = context.informer(cronJobs);
    this.#jobs = context.informer(jobs);
    indexByController(this.#jobs);
    this.reconciler = createReconciler({
      name: 'cronjob',
      context,
      workers: 5,
      reconcile: (key) => this.#reconcile(key),
    });
    const enqueue = (cronJob: CronJob): void => this.reconciler.queue.add(keyOf(cronJob));
    this.#cronJobs.addHandler({
      added: enqueue,
      updated: (cronJob, old) => this.#changed(cronJob, old),
      deleted: ({ metadata }) => void this.#parsed.delete(metadata.uid!),
    });
    const enqueueOwner = (job: Job): void => {
      const owner = resolveController(job, CRON_JOB_GVK.kind, this.#cronJobs);
      if (owner !== undefined) enqueue(owner);
    };
    this.#jobs.addHandler({
      added: enqueueOwner,
      updated: (job, old) => {
        if (controllerOf(job)?.uid !== controllerOf(old)?.uid) enqueueOwner(old);
        enqueueOwner(job);
      },
      deleted: enqueueOwner,
    });
  }

  /** A new schedule counts from its next time on: what it would have started before now is nobody's loss. */
  #changed(cronJob: CronJob, old: CronJob): void {
    const { schedule, timeZone } = cronJob.spec;
    if (schedule !== old.spec.schedule || timeZone !== old.spec.timeZone) {
      try {
        const now = this.#context.clock.now();
        const wait = untilNextStart(cronJob, this.#scheduleOf(cronJob), now);
        if (wait !== undefined) {
          this.reconciler.queue.addAfter(keyOf(cronJob), wait);
          return;
        }
      } catch {
        // The look at it says what is wrong.
      }
    }
    this.reconciler.queue.add(keyOf(cronJob));
  }

  /** Throws a CronError or a TimeZoneError. */
  #scheduleOf({ metadata, spec: { schedule: text, timeZone } }: CronJob): CronSchedule {
    const known = this.#parsed.get(metadata.uid!);
    if (known !== undefined && known.text === text && known.timeZone === timeZone) return known.schedule;
    const schedule = parseCron(text, timeZone);
    this.#parsed.set(metadata.uid!, { text, timeZone, schedule });
    return schedule;
  }

  async #reconcile(key: string): Promise<Result | void> {
    const cronJob = this.#cronJobs.get(key);
    if (cronJob === undefined) return;
    const look = new Look(this.#context, this.#recorder, cronJob, ownedBy(this.#jobs, cronJob));
    try {
      await look.cleanUp();
      await look.observe();
      if (isBeingDeleted(cronJob)) return;
      const schedule = this.#readSchedule(cronJob);
      if (schedule === undefined) return;
      await look.startDue(schedule);
      const wait = untilNextStart(look.cronJob, schedule, this.#context.clock.now());
      return wait === undefined ? undefined : { requeueAfterMs: wait };
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
    } finally {
      await look.postStatus();
    }
  }

  /** Undefined, with an event, when there is nothing to go by. */
  #readSchedule(cronJob: CronJob): CronSchedule | undefined {
    const { schedule, timeZone, suspend } = cronJob.spec;
    const warn = (reason: string, message: string): void =>
      this.#recorder.event(cronJob, 'Warning', reason, message);
    try {
      if (timeZone !== undefined) new TimeZone(timeZone);
      return suspend === true ? undefined : this.#scheduleOf(cronJob);
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof TimeZoneError)
        warn('UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: ${message}`);
      else warn('UnparseableSchedule', `unparseable schedule: ${JSON.stringify(schedule)} : ${message}`);
      return undefined;
    }
  }
}
