import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Branch } from '../../storage/branch.ts';
import { EventLog } from '../../storage/event-log.ts';
import type { StoreEvent } from '../../storage/interface.ts';

function event(revision: number, size: number): StoreEvent {
  const value = { key: 'a', bytes: Buffer.alloc(size), revision, createRevision: 1 };
  return { type: 'updated', key: 'a', revision, value, previous: { ...value, revision: revision - 1 } };
}

const trunk = new Branch(new EventLog(1));

describe('the event log', () => {
  it('is an array of events from which the oldest are forgotten, then taken', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), count: fc.nat(1500), size: fc.nat(3000) }),
      fc.record({ do: fc.constant('forget' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ do: fc.constant('take' as const), count: fc.nat(2500) }),
      fc.record({ do: fc.constant('bound' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const log = new EventLog(5);
        let [oldest, taken, newest] = [5, 5, 5];
        for (const next of steps) {
          if (next.do === 'push') {
            for (let left = next.count; left > 0; left--) log.push(event(++newest, next.size), trunk);
          } else if (next.do === 'take') {
            const events = log.takeForgotten(next.count);
            expect(events.map((each) => each.event.revision)).toEqual(
              Array.from({ length: Math.min(next.count, oldest - taken) }, (_, index) => taken + 1 + index),
            );
            taken += events.length;
          } else if (next.do === 'forget') {
            oldest += Math.floor((newest - oldest) * next.share);
            log.forget(oldest);
          } else {
            const limit = log.bytes * next.share;
            oldest = log.revisionKeeping(limit);
            log.forget(oldest);
            expect(log.bytes).toBeLessThanOrEqual(limit);
          }
          expect([log.compactedRevision, log.revision, log.hasForgotten]).toEqual([
            oldest,
            newest,
            taken < oldest,
          ]);
          const kept = Array.from({ length: newest - oldest }, (_, index) => oldest + 1 + index);
          expect(Array.from(log.since(oldest), ({ revision }) => revision)).toEqual(kept);
          if (oldest === newest) expect(log.bytes).toBe(0);
        }
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('keeps as much as the bound allows', () => {
    const log = new EventLog(1);
    for (let revision = 2; revision <= 5000; revision++) log.push(event(revision, 1000), trunk);
    const each = log.bytes / 4999;
    log.forget(log.revisionKeeping(each * 1234));
    expect([log.bytes, log.revision - log.compactedRevision]).toEqual([each * 1234, 1234]);
  });
});
