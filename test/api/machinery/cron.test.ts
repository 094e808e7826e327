import { describe, expect, it } from 'vitest';
import { CronError, parseCron } from '../../../api/machinery/cron.ts';
import { TimeZone, TimeZoneError } from '../../../api/machinery/time-zone.ts';

/** The next `count` times after `from`. */
function times(schedule: string, from: string, count: number, zone?: string): string[] {
  const cron = parseCron(schedule, zone);
  const found: string[] = [];
  let at = Date.parse(from);
  for (let i = 0; i < count; i++) {
    const next = cron.next(at);
    if (next === undefined) break;
    at = next;
    found.push(new TimeZone(zone ?? 'UTC').format(at));
  }
  return found;
}

describe('a schedule', () => {
  it.each([
    { name: 'every minute', text: '* * * * *', next: ['2026-01-01T00:01:00Z', '2026-01-01T00:02:00Z'] },
    { name: 'a step', text: '*/20 3 * * *', next: ['2026-01-01T03:00:00Z', '2026-01-01T03:20:00Z'] },
    {
      name: 'a step from a value',
      text: '50/5 * * * *',
      next: ['2026-01-01T00:50:00Z', '2026-01-01T00:55:00Z'],
    },
    {
      name: 'a list and a range',
      text: '0 1-2,9 * * *',
      next: ['2026-01-01T01:00:00Z', '2026-01-01T02:00:00Z', '2026-01-01T09:00:00Z'],
    },
    { name: 'names', text: '0 0 * FEB Mon', next: ['2026-02-02T00:00:00Z', '2026-02-09T00:00:00Z'] },
    { name: 'a question mark', text: '0 0 ? * SUN', next: ['2026-01-04T00:00:00Z'] },
    {
      name: 'day of month or of week',
      text: '0 0 13 * 5',
      next: ['2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z', '2026-01-13T00:00:00Z'],
    },
    { name: 'hourly', text: '@hourly', next: ['2026-01-01T01:00:00Z'] },
    { name: 'weekly', text: '@weekly', next: ['2026-01-04T00:00:00Z'] },
    { name: 'yearly', text: '@yearly', next: ['2027-01-01T00:00:00Z'] },
    { name: 'an interval', text: '@every 1h30m', next: ['2026-01-01T01:30:00Z', '2026-01-01T03:00:00Z'] },
    { name: 'an interval below a second', text: '@every 10ms', next: ['2026-01-01T00:00:01Z'] },
    { name: 'a leap day', text: '0 0 29 2 *', next: ['2028-02-29T00:00:00Z'] },
  ])('$name', ({ text, next }) => {
    expect(times(text, '2026-01-01T00:00:00Z', next.length)).toEqual(next);
  });

  it('that never comes has no next time', () => {
    expect(times('59 23 31 2 *', '2026-01-01T00:00:00Z', 1)).toEqual([]);
    expect(times('0 0 , * *', '2026-01-01T00:00:00Z', 1)).toEqual([]);
  });

  it.each([
    { text: '', message: 'empty spec string' },
    { text: '* * * *', message: 'expected exactly 5 fields, found 4: [* * * *]' },
    { text: '0 * * * * *', message: 'expected exactly 5 fields, found 6: [0 * * * * *]' },
    { text: '60 * * * *', message: 'end of range (60) above maximum (59): 60' },
    { text: '* * 0 * *', message: 'beginning of range (0) below minimum (1): 0' },
    { text: '* * * * 7', message: 'end of range (7) above maximum (6): 7' },
    { text: '5-1 * * * *', message: 'beginning of range (5) beyond end of range (1): 5-1' },
    { text: '*/0 * * * *', message: 'step of range should be a positive number: */0' },
    { text: '1-2-3 * * * *', message: 'too many hyphens: 1-2-3' },
    { text: '*/1/2 * * * *', message: 'too many slashes: */1/2' },
    { text: '* * L * *', message: 'failed to parse int from L: strconv.Atoi: parsing "L": invalid syntax' },
    { text: '-1 * * * *', message: 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax' },
    { text: '@weakly', message: 'unrecognized descriptor: @weakly' },
    { text: '@every 5', message: 'failed to parse duration @every 5: time: missing unit in duration "5"' },
    { text: '@every x', message: 'failed to parse duration @every x: time: invalid duration "x"' },
    {
      text: '@every 5x',
      message: 'failed to parse duration @every 5x: time: unknown unit "x" in duration "5x"',
    },
  ])('$text is none: $message', ({ text, message }) => {
    expect(() => parseCron(text)).toThrow(new CronError(message));
  });
});

describe('in a zone', () => {
  const NEW_YORK = 'America/New_York';

  it('follows its clocks', () => {
    expect(times('0 9 * * *', '2026-03-07T00:00:00Z', 2, NEW_YORK)).toEqual([
      '2026-03-07T09:00:00-05:00',
      '2026-03-08T09:00:00-04:00',
    ]);
  });

  it('skips the hour that a clock change skips', () => {
    expect(times('30 2 * * *', '2026-03-07T12:00:00Z', 1, NEW_YORK)).toEqual(['2026-03-09T02:30:00-04:00']);
    expect(times('30 * * * *', '2026-03-08T06:00:00Z', 3, NEW_YORK)).toEqual([
      '2026-03-08T01:30:00-05:00',
      '2026-03-08T03:30:00-04:00',
      '2026-03-08T04:30:00-04:00',
    ]);
  });

  it('comes twice in the hour that a clock change repeats', () => {
    expect(times('30 1 * * *', '2026-11-01T04:00:00Z', 3, NEW_YORK)).toEqual([
      '2026-11-01T01:30:00-04:00',
      '2026-11-01T01:30:00-05:00',
      '2026-11-02T01:30:00-05:00',
    ]);
    expect(times('*/30 * * * *', '2026-11-01T05:00:00Z', 5, NEW_YORK)).toEqual([
      '2026-11-01T01:30:00-04:00',
      '2026-11-01T01:00:00-05:00',
      '2026-11-01T01:30:00-05:00',
      '2026-11-01T02:00:00-05:00',
      '2026-11-01T02:30:00-05:00',
    ]);
  });

  it.each(['Mars/Olympus', 'europe/berlin', '+02:00'])('that is not there: %s', (zone) => {
    expect(() => parseCron('@daily', zone)).toThrow(new TimeZoneError(zone));
  });

  it.each(['Etc/UTC', 'Europe/Berlin', 'US/Pacific', 'Asia/Calcutta', 'GMT'])('that is there: %s', (zone) => {
    expect(parseCron('@daily', zone).next(0)).toBeGreaterThan(0);
  });
});
