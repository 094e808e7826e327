import { describe, expect, it } from 'vitest';
import { humanAge, humanDuration } from '../../../api/machinery/human-duration.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('human durations', () => {
  const cases: [number, string][] = [
    [0, '0s'],
    [-500, '0s'],
    [-1500, '0s'],
    [-2 * SECOND, '<invalid>'],
    [5 * SECOND + 999, '5s'],
    [119 * SECOND, '119s'],
    [2 * MINUTE, '2m'],
    [2 * MINUTE + 30 * SECOND, '2m30s'],
    [9 * MINUTE + 59 * SECOND, '9m59s'],
    [10 * MINUTE + 59 * SECOND, '10m'],
    [179 * MINUTE, '179m'],
    [3 * HOUR, '3h'],
    [5 * HOUR + 3 * MINUTE, '5h3m'],
    [8 * HOUR + 3 * MINUTE, '8h'],
    [47 * HOUR, '47h'],
    [2 * DAY, '2d'],
    [3 * DAY + 4 * HOUR, '3d4h'],
    [8 * DAY + 4 * HOUR, '8d'],
    [729 * DAY, '729d'],
    [2 * 365 * DAY, '2y'],
    [(2 * 365 + 10) * DAY, '2y10d'],
    [8 * 365 * DAY + 10 * DAY, '8y'],
  ];
  for (const [ms, want] of cases) it(`${ms} ms is ${want}`, () => expect(humanDuration(ms)).toBe(want));

  it('knows no age without a time', () => {
    expect(humanAge(undefined, 0)).toBe('<unknown>');
    expect(humanAge(null, 0)).toBe('<unknown>');
    expect(humanAge('2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1, 0, 0, 7))).toBe('7s');
  });
});
