import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RealClock, VirtualClock } from '../../../api/machinery/clock.ts';
import { TimerQueue, type QueuedTimer } from '../../../api/machinery/timer-queue.ts';

describe('the queue of timers', () => {
  it('gives the timer due first, whatever was added and taken out before', () => {
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ remove: fc.nat({ max: 30 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new TimerQueue();
        let model: QueuedTimer[] = [];
        let sequence = 0;
        for (const each of steps) {
          if ('add' in each) {
            const timer = { dueMs: each.add, sequence: sequence++, callback: () => {}, name: '', place: -1 };
            queue.add(timer);
            model.push(timer);
          } else if (model.length > 0) {
            const timer = model[each.remove % model.length]!;
            queue.remove(timer);
            queue.remove(timer);
            model = model.filter((other) => other !== timer);
          }
          const first = model.toSorted((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence)[0];
          expect(queue.first()).toBe(first);
          expect(queue.size).toBe(model.length);
        }
      }),
    );
  });
});

describe('a virtual clock', () => {
  it('runs timers in order of due time, then of creation, each at its own instant', async () => {
    const clock = new VirtualClock(1000);
    const log: string[] = [];
    for (const [name, delay] of Object.entries({ b: 20, a: 10, c: 20 })) {
      clock.schedule(delay, () => log.push(`${name} at ${clock.now()}`));
    }
    await clock.advance(50);
    expect(log).toEqual(['a at 1010', 'b at 1020', 'c at 1020']);
    expect(clock.now()).toBe(1050);
  });

  it('tells the next timer, with or without those that recur', () => {
    const clock = new VirtualClock(0);
    clock.schedule(10, () => {}, { name: 'heartbeat', recurring: true });
    expect(clock.nextTimer({ ignoreRecurring: true })).toBeUndefined();
    const timer = clock.schedule(20, () => {}, { name: 'deadline' });
    expect(clock.nextTimer()).toMatchObject({ name: 'heartbeat', dueMs: 10 });
    expect(clock.nextTimer({ ignoreRecurring: true })).toMatchObject({ name: 'deadline', dueMs: 20 });
    timer.cancel();
    expect(clock.nextTimer({ ignoreRecurring: true })).toBeUndefined();
  });

  it('flows with a source of time, but never past a timer that has not run', () => {
    const clock = new VirtualClock(0);
    let source = 0;
    clock.flow(() => source);
    clock.schedule(100, () => {});
    source = 60;
    expect(clock.now()).toBe(60);
    source = 500;
    expect(clock.now()).toBe(100);
    clock.flow(undefined);
    source = 900;
    expect(clock.now()).toBe(100);
  });
});

describe('the real clock', () => {
  afterEach(() => void vi.useRealTimers());

  it('runs timers in order although one timeout of the platform serves them all', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const clock = new RealClock();
    const log: string[] = [];
    clock.schedule(12, () => log.push('last'));
    clock.schedule(6, () => log.push('never')).cancel();
    clock.schedule(4, () => log.push('second'));
    clock.schedule(0, () => log.push('first'));
    log.push('made');
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(11);
    expect(log).toEqual(['made', 'first', 'second']);
    await vi.advanceTimersByTimeAsync(1);
    expect(log).toEqual(['made', 'first', 'second', 'last']);
    expect(clock.nextTimer()).toBeUndefined();
  });

  it('runs all that is due in one timeout of the platform, what they make in the next', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const clock = new RealClock();
    const log: string[] = [];
    clock.schedule(5, () => {
      log.push('first');
      clock.schedule(0, () => log.push('made by the first'));
    });
    clock.schedule(5, () => log.push('second'));
    clock.schedule(3, () => log.push('earlier'));
    vi.setSystemTime(Date.now() + 5);
    vi.advanceTimersToNextTimer();
    expect(log).toEqual(['earlier', 'first', 'second']);
    vi.advanceTimersToNextTimer();
    expect(log).toEqual(['earlier', 'first', 'second', 'made by the first']);
  });

  it('goes on with what is due when a timer throws', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const clock = new RealClock();
    const log: string[] = [];
    clock.schedule(5, () => {
      throw new Error('thrown by a timer');
    });
    clock.schedule(5, () => log.push('behind'));
    expect(() => vi.advanceTimersByTime(5)).toThrow('thrown by a timer');
    await vi.advanceTimersByTimeAsync(1);
    expect(log).toEqual(['behind']);
  });

  it('runs timers of the platform that fires too early when they are due', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const clock = new RealClock();
    const log: string[] = [];
    clock.schedule(10, () => log.push('due'));
    vi.setSystemTime(Date.now() - 3);
    await vi.advanceTimersByTimeAsync(10);
    expect(log).toEqual([]);
    await vi.advanceTimersByTimeAsync(3);
    expect(log).toEqual(['due']);
  });
});
