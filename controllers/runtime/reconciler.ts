import { isConflict } from '../../api/machinery/errors.ts';
import { nextTurn } from '../../api/machinery/tasks.ts';
import type { ControllerContext, Reconcile, Reconciler } from './controller.ts';
import type { OwnWrites } from './own-writes.ts';
import { RateLimitedQueue, type RetryDelay } from './workqueue.ts';

/** Keys a worker takes in one turn of the event loop at most. */
const KEYS_PER_TURN = 64;

export interface ReconcilerOptions {
  /** For logs and for naming who is busy. */
  readonly name: string;
  readonly context: Pick<ControllerContext, 'clock' | 'tasks' | 'logger' | 'metrics'>;
  /** Keys worked on at the same time. */
  readonly workers: number;
  /** How a key that fails is tried again, and how often; then it waits for its next event. Default: for ever. */
  readonly retries?: RetryDelay & { readonly count: number };
  readonly reconcile: Reconcile;
  /** Keys are owners of these writes; they wait, behind their back-off, until the caches have seen them. */
  readonly ownWrites?: OwnWrites;
}

/**
 * Joins a workqueue to a reconcile function. Keys added before `start` wait for it. An error puts the key back behind its
 * back-off; conflicts are expected and only logged at debug.
 */
export function createReconciler({
  name,
  context,
  workers,
  retries,
  reconcile,
  ownWrites,
}: ReconcilerOptions): Reconciler {
  let started = false;
  let active = 0;
  let idleWaiters: (() => void)[] = [];
  const { clock, tasks, metrics } = context;
  const queue = new RateLimitedQueue({ name, clock, tasks, metrics, retryDelay: retries, onReady: pump });

  /** Starts workers in a later turn, so that a burst of events costs one look at the object, not many. */
  function pump(): void {
    if (!started || active >= workers || queue.length === 0) return;
    active++;
    nextTurn(() => void work());
  }

  async function work(): Promise<void> {
    let sinceTurn = 0;
    for (
      let key = started ? queue.take() : undefined;
      key !== undefined;
      key = started ? queue.take() : undefined
    ) {
      await process(key);
      // A store in memory answers without a turn of the event loop; whoever waits for one must get it.
      if (++sinceTurn < KEYS_PER_TURN) continue;
      sinceTurn = 0;
      await new Promise<void>((resolve) => nextTurn(resolve));
    }
    active--;
    if (active === 0) {
      const waiters = idleWaiters;
      idleWaiters = [];
      for (const waiter of waiters) waiter();
    }
  }

  async function process(key: string): Promise<void> {
    if (ownWrites?.isUnseen(key) === true) {
      queue.addRateLimited(key);
      queue.done(key);
      return;
    }
    try {
      const result = await reconcile(key);
      queue.forget(key);
      if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs, result);
    } catch (error) {
      if (isConflict(error)) context.logger.debug('reconcile met a conflict', { controller: name, key });
      else
        context.logger.warn('reconcile failed', {
          controller: name,
          key,
          retries: queue.retries(key),
          error,
        });
      if (retries !== undefined && queue.retries(key) >= retries.count) queue.forget(key);
      else queue.addRateLimited(key);
    } finally {
      queue.done(key);
    }
  }

  return {
    queue,
    start: () => {
      started = true;
      for (let i = 0; i < workers; i++) pump();
    },
    stop: async () => {
      started = false;
      queue.stop();
      if (active > 0) await new Promise<void>((resolve) => idleWaiters.push(resolve));
    },
  };
}
