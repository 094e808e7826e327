/** Deletes jobs some time after they ended. Mirrors pkg/controller/ttlafterfinished. */
import { parseTime } from '../../api/machinery/clock.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { isBeingDeleted, keyOf, parseKey } from '../../api/machinery/object-meta.ts';
import { jobs, type Job } from '../../openapi/generated/batch-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Result,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

/** Cleans up after jobs that ask for it. */
export const ttlAfterFinishedController: ControllerDefinition = {
  name: 'ttl-after-finished-controller',
  aliases: ['ttl-after-finished'],
  description: {
    does: 'Deletes jobs, with their pods first, `ttlSecondsAfterFinished` after they completed or failed.',
    watches: ['jobs'],
    writes: ['jobs'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('ttl-after-finished-controller') };
  const informer = context.informer(jobs);
  const reconciler = createReconciler({
    name: 'ttl-after-finished',
    context,
    workers: 5,
    reconcile: async (key) => {
      const job = informer.get(key);
      const wait = job === undefined ? undefined : timeLeft(job, context.clock.now());
      if (wait === undefined) return;
      return wait > 0 ? { requeueAfterMs: wait } : deleteExpired(context, key);
    },
  });
  const enqueue = (job: Job): void => {
    if (timeLeft(job, 0) !== undefined) reconciler.queue.add(keyOf(job));
  };
  informer.addHandler({ added: enqueue, updated: enqueue });
  return reconciler;
}

/** Milliseconds until the job is to go; undefined when it stays. */
function timeLeft(job: Job, nowMs: number): number | undefined {
  const ttlSeconds = job.spec.ttlSecondsAfterFinished;
  if (ttlSeconds === undefined || isBeingDeleted(job)) return undefined;
  const end = job.status.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  return end && parseTime(end.lastTransitionTime ?? '') + ttlSeconds * 1000 - nowMs;
}

/** The cache may be behind: somebody may have just asked for more time. */
async function deleteExpired({ client, clock }: ControllerContext, key: string): Promise<Result | void> {
  try {
    const job = await client.get(jobs, parseKey(key));
    const wait = timeLeft(job, clock.now());
    if (wait === undefined) return;
    if (wait > 0) return { requeueAfterMs: wait };
    await client.delete(jobs, parseKey(key), {
      propagationPolicy: 'Foreground',
      preconditions: { uid: job.metadata.uid },
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
