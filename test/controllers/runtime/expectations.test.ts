import { beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '../../../api/machinery/clock.ts';
import { EXPECTATION_TIMEOUT_MS, Expectations } from '../../../controllers/runtime/expectations.ts';

let clock: VirtualClock;
let expectations: Expectations;

beforeEach(() => {
  clock = new VirtualClock();
  expectations = new Expectations(clock);
});

it('nothing expected is satisfied', () => {
  expect(expectations.satisfied('a')).toBe(true);
});

it('waits for as many creations as expected', () => {
  expectations.expectCreations('a', 2);
  expectations.creationObserved('a');
  expect(expectations.satisfied('a')).toBe(false);
  expect(expectations.satisfied('b')).toBe(true);
  expectations.creationObserved('a');
  expect(expectations.satisfied('a')).toBe(true);
});

it('does not owe for more creations than expected', () => {
  expectations.creationObserved('a');
  expectations.expectCreations('a', 1);
  expect(expectations.satisfied('a')).toBe(false);
  expectations.creationObserved('a');
  expectations.creationObserved('a');
  expectations.expectCreations('a', 1);
  expect(expectations.satisfied('a')).toBe(false);
});

it('waits for each deletion by name, and counts none twice', () => {
  expectations.expectDeletions('a', ['x', 'y']);
  expectations.deletionObserved('a', 'x');
  expectations.deletionObserved('a', 'x');
  expectations.deletionObserved('a', 'unknown');
  expect(expectations.satisfied('a')).toBe(false);
  expectations.deletionObserved('a', 'y');
  expect(expectations.satisfied('a')).toBe(true);
});

it('waits for both kinds', () => {
  expectations.expectCreations('a', 1);
  expectations.expectDeletions('a', ['x']);
  expectations.creationObserved('a');
  expect(expectations.satisfied('a')).toBe(false);
  expectations.deletionObserved('a', 'x');
  expect(expectations.satisfied('a')).toBe(true);
});

it('gives up after the timeout, and begins anew after that', async () => {
  expectations.expectCreations('a', 1);
  await clock.advance(EXPECTATION_TIMEOUT_MS - 1);
  expect(expectations.satisfied('a')).toBe(false);
  await clock.advance(1);
  expect(expectations.satisfied('a')).toBe(true);
  expectations.expectCreations('a', 1);
  expect(expectations.satisfied('a')).toBe(false);
});

it('forgets', () => {
  expectations.expectCreations('a', 1);
  expectations.forget('a');
  expect(expectations.satisfied('a')).toBe(true);
});
