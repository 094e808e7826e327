import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../api/machinery/clock.ts';
import { newConflict } from '../../../api/machinery/errors.ts';
import { createLogger } from '../../../api/machinery/logger.ts';
import { nextTurn, TaskTracker } from '../../../api/machinery/tasks.ts';
import type { Reconcile, Reconciler } from '../../../controllers/runtime/controller.ts';
import { createReconciler } from '../../../controllers/runtime/reconciler.ts';

let clock: VirtualClock;
let tasks: TaskTracker;
let logs: string[];

beforeEach(() => {
  clock = new VirtualClock();
  tasks = new TaskTracker();
  logs = [];
});

const turn = (): Promise<void> => new Promise((resolve) => nextTurn(resolve));

function start(reconcile: Reconcile, workers = 1): Reconciler {
  const logger = createLogger({ level: 'warn', write: (line) => logs.push(line), now: () => clock.now() });
  const reconciler = createReconciler({
    name: 'test',
    context: { clock, tasks, logger },
    workers,
    reconcile,
  });
  reconciler.start?.();
  return reconciler;
}

describe('work', () => {
  it('waits for the start', async () => {
    const seen: string[] = [];
    const context = {
      clock,
      tasks,
      logger: createLogger({ level: 'silent', write: () => {}, now: () => 0 }),
    };
    const reconcile: Reconcile = (key) => {
      seen.push(key);
      return Promise.resolve();
    };
    const reconciler = createReconciler({ name: 'test', context, workers: 1, reconcile });
    reconciler.queue.add('a');
    await turn();
    expect(seen).toEqual([]);
    reconciler.start?.();
    await tasks.idle();
    expect(seen).toEqual(['a']);
  });

  it('leaves turns to others, even when a key is never done', async () => {
    let calls = 0;
    const reconciler = start(() => {
      calls++;
      reconciler.queue.add('a');
      return Promise.resolve();
    });
    reconciler.queue.add('a');
    for (let i = 0; i < 5; i++) await turn();
    expect(calls).toBeGreaterThan(0);
    await reconciler.stop?.();
    const before = calls;
    await turn();
    expect(calls).toBe(before);
  });

  it('runs on as many keys at a time as there are workers, never twice on one', async () => {
    const running = new Set<string>();
    const calls = new Map<string, number>();
    let most = 0;
    const { queue } = start(async (key) => {
      expect(running.has(key)).toBe(false);
      running.add(key);
      most = Math.max(most, running.size);
      const call = (calls.get(key) ?? 0) + 1;
      calls.set(key, call);
      if (call < 5) queue.add(key);
      for (let i = 0; i < 3; i++) await turn();
      running.delete(key);
    }, 3);
    const keys = ['a', 'b', 'c', 'd', 'e'];
    for (const key of keys) queue.add(key);
    await tasks.idle();
    expect(most).toBe(3);
    expect([...calls]).toEqual(keys.map((key) => [key, 5]));
  });
});

describe('the outcome', () => {
  it('of an error is another try after the back-off, and a line in the log', async () => {
    const start0 = clock.now();
    const at: number[] = [];
    const { queue } = start((key) => {
      at.push(clock.now() - start0);
      return at.length < 4 ? Promise.reject(new Error(`no ${key}`)) : Promise.resolve();
    });
    queue.add('a');
    await tasks.idle();
    await clock.advance(1000, () => tasks.idle());
    expect(at).toEqual([0, 5, 15, 35]);
    expect(logs).toHaveLength(3);
    expect(logs[2]).toContain('WARN  reconcile failed controller=test key=a retries=2 error=');
    expect(queue.retries('a')).toBe(0);
  });

  it('of a conflict is another try without a word', async () => {
    let calls = 0;
    const { queue } = start(() => {
      calls++;
      return calls === 1
        ? Promise.reject(newConflict({ group: '', resource: 'pods' }, 'a', 'stale'))
        : Promise.resolve();
    });
    queue.add('a');
    await tasks.idle();
    await clock.advance(5, () => tasks.idle());
    expect(calls).toBe(2);
    expect(logs).toEqual([]);
  });

  it('may ask to be called again at a time', async () => {
    const start0 = clock.now();
    const at: number[] = [];
    const { queue } = start(() => {
      at.push(clock.now() - start0);
      return Promise.resolve(at.length < 3 ? { requeueAfterMs: 60_000 } : undefined);
    });
    queue.add('a');
    await tasks.idle();
    await clock.advance(600_000, () => tasks.idle());
    expect(at).toEqual([0, 60_000, 120_000]);
  });
});

it('stops when what is under way has ended, and begins nothing more', async () => {
  const ended: string[] = [];
  let finish = (): void => {};
  const reconciler = start(async (key) => {
    await new Promise<void>((resolve) => (finish = resolve));
    ended.push(key);
  });
  reconciler.queue.add('a');
  reconciler.queue.add('b');
  await turn();
  const stopped = Promise.resolve(reconciler.stop?.()).then(() => ended.push('stopped'));
  await turn();
  expect(ended).toEqual([]);
  finish();
  await stopped;
  expect(ended).toEqual(['a', 'stopped']);
  await tasks.idle();
});
