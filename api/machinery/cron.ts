/**
 * Schedules of cron jobs: the grammar of robfig/cron's standard parser, which upstream uses, computed by croner. Croner
 * works on wall-clock time without a zone; the zone is laid over it, so that an hour that a clock change skips is skipped,
 * and one that it repeats comes twice, as with robfig.
 */
import { Cron } from 'croner';
import { parseDurationMs } from './duration.ts';
import { goQuote } from './go-format.ts';
import { TimeZone } from './time-zone.ts';

/** A schedule. Times are epoch milliseconds. */
export interface CronSchedule {
  /** The first time after `afterMs`, whole seconds; undefined when there never is one. */
  next(afterMs: number): number | undefined;
}

/** Upstream's text says what is wrong with a schedule. */
export class CronError extends Error {
  override readonly name = 'CronError';
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  {
    min: 1,
    max: 12,
    names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const EVERY = '@every ';
const HOUR_MS = 3_600_000;
/** Clock changes are smaller than this. */
const CHANGE_MAX_MS = 3 * HOUR_MS;

/** Reads a schedule, in `timeZone` or UTC. Throws a CronError, or a TimeZoneError for a zone there is not. */
export function parseCron(text: string, timeZone?: string): CronSchedule {
  const zone = new TimeZone(timeZone ?? 'UTC');
  if (text === '') throw new CronError('empty spec string');
  if (text.startsWith(EVERY)) return every(text);
  if (text.startsWith('@') && !Object.hasOwn(DESCRIPTORS, text))
    throw new CronError(`unrecognized descriptor: ${text}`);
  const fields = (Object.hasOwn(DESCRIPTORS, text) ? DESCRIPTORS[text]! : text)
    .split(/[ \t\n\v\f\r]+/)
    .filter((field) => field !== '');
  if (fields.length !== FIELDS.length)
    throw new CronError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  const normal = fields.map((field, index) => normalField(field, FIELDS[index]!));
  return normal.includes('') ? { next: () => undefined } : onWallClock(normal.join(' '), zone);
}

function every(text: string): CronSchedule {
  const duration = text.slice(EVERY.length);
  const delayMs = parseDurationMs(duration);
  if (delayMs === undefined)
    throw new CronError(`failed to parse duration ${text}: time: ${problemOf(duration)}`);
  const stepMs = Math.max(1, Math.floor(delayMs / 1000)) * 1000;
  return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + stepMs };
}

/** Go's text about a text that is no duration. */
function problemOf(duration: string): string {
  const quoted = goQuote(duration);
  const unit = [...duration.matchAll(/[0-9.]+([^0-9.+-]*)/g)].map((match) => match[1]!);
  const unknown = unit.find((name) => name !== '' && parseDurationMs(`1${name}`) === undefined);
  if (unknown !== undefined) return `unknown unit ${goQuote(unknown)} in duration ${quoted}`;
  return unit.includes('') ? `missing unit in duration ${quoted}` : `invalid duration ${quoted}`;
}

/** A field as a list of plain numbers, `*` where every value was meant, '' where none is. */
function normalField(field: string, bounds: Bounds): string {
  const values = new Set<number>();
  let isAll = false;
  for (const range of field.split(',').filter((part) => part !== '')) {
    const { start, end, step, isStar } = parseRange(range, bounds);
    isAll ||= isStar;
    for (let value = start; value <= end; value += step) values.add(value);
  }
  return isAll ? '*' : [...values].sort((a, b) => a - b).join(',');
}

/** Mirrors getRange of robfig/cron parser.go. */
function parseRange(
  text: string,
  { min, max, names }: Bounds,
): { readonly start: number; readonly end: number; readonly step: number; readonly isStar: boolean } {
  const [range = '', stepText, ...slashes] = text.split('/');
  const [low = '', high, ...hyphens] = range.split('-');
  const isStar = low === '*' || low === '?';
  let start = min;
  let end = max;
  if (!isStar) {
    start = parseValue(low, names);
    if (hyphens.length > 0) throw new CronError(`too many hyphens: ${text}`);
    end = high === undefined ? start : parseValue(high, names);
  }
  let step = 1;
  if (slashes.length > 0) throw new CronError(`too many slashes: ${text}`);
  if (stepText !== undefined) {
    step = parseNumber(stepText);
    if (high === undefined) end = max;
  }
  if (start < min) throw new CronError(`beginning of range (${start}) below minimum (${min}): ${text}`);
  if (end > max) throw new CronError(`end of range (${end}) above maximum (${max}): ${text}`);
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new CronError(`step of range should be a positive number: ${text}`);
  return { start, end, step, isStar: isStar && step === 1 };
}

function parseValue(text: string, names: readonly string[]): number {
  const named = text === '' ? -1 : names.indexOf(text.toLowerCase());
  return named >= 0 ? named : parseNumber(text);
}

function parseNumber(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text))
    throw new CronError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${goQuote(text)}: invalid syntax`,
    );
  const number = Number(text);
  if (Math.abs(number) >= 2 ** 63)
    throw new CronError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${goQuote(text)}: value out of range`,
    );
  if (number < 0) throw new CronError(`negative number (${number}) not allowed: ${text}`);
  return number;
}

function onWallClock(pattern: string, zone: TimeZone): CronSchedule {
  const cron = new Cron(pattern, { paused: true, timezone: 'UTC', mode: '5-part' });
  const nextWall = (wallMs: number): number | undefined => cron.nextRun(new Date(wallMs))?.getTime();
  return {
    next: (afterMs) => {
      // Near a change of the clock, a wall time before the present one may still be ahead.
      const changes =
        zone.offsetMs(afterMs - CHANGE_MAX_MS) !== zone.offsetMs(afterMs) ||
        zone.offsetMs(afterMs + CHANGE_MAX_MS) !== zone.offsetMs(afterMs);
      const margin = changes ? CHANGE_MAX_MS : 0;
      const from = afterMs + zone.offsetMs(afterMs) - margin;
      let best: number | undefined;
      for (let wall = nextWall(from); wall !== undefined; wall = nextWall(wall)) {
        const [first] = zone.instants(wall).filter((instant) => instant > afterMs);
        if (first !== undefined && (best === undefined || first < best)) best = first;
        if (best !== undefined && wall - from >= margin * 2) break;
      }
      return best;
    },
  };
}
