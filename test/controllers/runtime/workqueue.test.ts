import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../api/machinery/clock.ts';
import { TaskTracker } from '../../../api/machinery/tasks.ts';
import { RateLimitedQueue } from '../../../controllers/runtime/workqueue.ts';

let clock: VirtualClock;
let tasks: TaskTracker;
let queue: RateLimitedQueue;
let woken: number;

beforeEach(() => {
  clock = new VirtualClock();
  tasks = new TaskTracker();
  woken = 0;
  queue = new RateLimitedQueue({ name: 'test', clock, tasks, onReady: () => void woken++ });
});

/** Takes and finishes everything that is ready. */
function drain(): string[] {
  const keys: string[] = [];
  for (let key = queue.take(); key !== undefined; key = queue.take()) {
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe('ready keys', () => {
  it('come in the order they were added, each once', () => {
    for (const key of ['b', 'a', 'b', 'c', 'a']) queue.add(key);
    expect(queue.length).toBe(3);
    expect(woken).toBe(3);
    expect(drain()).toEqual(['b', 'a', 'c']);
    expect(queue.take()).toBeUndefined();
  });

  it('wait while they are worked on, and come again after that', () => {
    queue.add('a');
    expect(queue.take()).toBe('a');
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    expect(queue.take()).toBeUndefined();
    queue.done('a');
    expect(drain()).toEqual(['a']);
  });

  it('do not come again when nothing was added while they were worked on', () => {
    queue.add('a');
    queue.take();
    queue.done('a');
    expect(queue.take()).toBeUndefined();
  });
});

describe('delayed keys', () => {
  it.each([
    { name: 'come when they are due', delays: [100], due: [100] },
    { name: 'come at the earlier of two times', delays: [100, 50], due: [50] },
    { name: 'are not put off by a later time', delays: [50, 100], due: [50] },
    { name: 'come at once without a delay', delays: [0], due: [0] },
    { name: 'come at once with a negative delay', delays: [-5], due: [0] },
  ])('$name', async ({ delays, due }) => {
    const start = clock.now();
    for (const delay of delays) queue.addAfter('a', delay);
    const seen: number[] = [];
    const look = async (): Promise<void> => {
      for (const _ of drain()) seen.push(clock.now() - start);
      await Promise.resolve();
    };
    await look();
    await clock.advance(1000, look);
    expect(seen).toEqual(due);
  });

  it('come once when they are added as well', async () => {
    queue.addAfter('a', 10);
    queue.add('a');
    await clock.advance(10);
    expect(drain()).toEqual(['a']);
  });

  it('wait behind the worker when they become due while worked on', async () => {
    queue.add('a');
    queue.take();
    queue.addAfter('a', 10);
    await clock.advance(10);
    expect(queue.take()).toBeUndefined();
    queue.done('a');
    expect(drain()).toEqual(['a']);
  });
});

describe('back-off', () => {
  it('doubles from 5 ms to 1000 s, for each key by itself', () => {
    const delays: number[] = [];
    for (let i = 0; i < 20; i++) {
      queue.addRateLimited('a');
      delays.push(clock.nextDue()! - clock.now());
      clock.runNext();
      drain();
    }
    expect(delays.slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
    expect(delays.slice(17)).toEqual([655_360, 1_000_000, 1_000_000]);
    queue.addRateLimited('b');
    expect(clock.nextDue()! - clock.now()).toBe(5);
  });

  it('begins anew when forgotten', () => {
    for (let i = 0; i < 3; i++) {
      queue.addRateLimited('a');
      clock.runNext();
      drain();
    }
    expect(queue.retries('a')).toBe(3);
    queue.forget('a');
    expect(queue.retries('a')).toBe(0);
    queue.addRateLimited('a');
    expect(clock.nextDue()! - clock.now()).toBe(5);
  });
});

describe('the task tracker', () => {
  it('is busy from adding to the end of the work, also of work that comes again', () => {
    queue.add('a');
    expect(tasks.busy()).toEqual(['queue test']);
    queue.take();
    queue.add('a');
    queue.done('a');
    expect(tasks.busy()).toEqual(['queue test']);
    queue.take();
    queue.done('a');
    expect(tasks.busy()).toEqual([]);
  });

  it('is not busy because of a delay', () => {
    queue.addAfter('a', 10);
    expect(tasks.busy()).toEqual([]);
  });
});

it('drops everything that waits when stopped, and takes nothing more', async () => {
  queue.add('working');
  queue.take();
  queue.add('working');
  queue.add('ready');
  queue.addAfter('delayed', 10);
  queue.stop();
  queue.add('late');
  queue.addAfter('late', 1);
  await clock.advance(100);
  expect(queue.take()).toBeUndefined();
  queue.done('working');
  expect(queue.take()).toBeUndefined();
  expect(tasks.busy()).toEqual([]);
  expect(clock.nextDue()).toBeUndefined();
});

it('loses no key and gives none to two workers, whatever is done in whatever order', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key }),
    fc.record({ do: fc.constant('take' as const), key }),
    fc.record({ do: fc.constant('done' as const), key }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const tracker = new TaskTracker();
      const tested = new RateLimitedQueue({
        name: 'model',
        clock: new VirtualClock(),
        tasks: tracker,
        onReady: () => {},
      });
      const owed = new Set<string>();
      const working = new Set<string>();
      const take = (): string | undefined => {
        const taken = tested.take();
        if (taken === undefined) return undefined;
        expect(working.has(taken)).toBe(false);
        expect(owed.delete(taken)).toBe(true);
        working.add(taken);
        return taken;
      };
      const done = (finished: string): void => {
        working.delete(finished);
        tested.done(finished);
      };
      for (const { do: action, key: chosen } of steps) {
        if (action === 'add') {
          owed.add(chosen);
          tested.add(chosen);
        } else if (action === 'take') take();
        else if (working.has(chosen)) done(chosen);
      }
      for (const left of working) done(left);
      for (let taken = take(); taken !== undefined; taken = take()) done(taken);
      expect(owed.size).toBe(0);
      expect(tracker.busy()).toEqual([]);
    }),
  );
});
