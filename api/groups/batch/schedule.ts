/** What is wrong with schedules and time zones of cron jobs, in upstream's words. */
import { CronError, parseCron } from '../../machinery/cron.ts';
import { TimeZone, TimeZoneError } from '../../machinery/time-zone.ts';

/** What is wrong with a schedule, first thing first; undefined when nothing is. Mirrors robfig/cron Parser.Parse. */
export function scheduleProblem(schedule: string): string | undefined {
  const zone = /^(?:CRON_)?TZ=/.exec(schedule)?.[0];
  const space = schedule.indexOf(' ');
  if (zone !== undefined && space < 0)
    return `invalid schedule format: runtime error: slice bounds out of range [:-1]`;
  if (zone !== undefined) {
    const name = schedule.slice(zone.length, space);
    const problem = locationProblem(name);
    if (problem !== undefined) return `provided bad location ${name}: ${problem}`;
  }
  try {
    parseCron(zone === undefined ? schedule : schedule.slice(space).trim());
    return undefined;
  } catch (error) {
    if (error instanceof CronError) return error.message;
    throw error;
  }
}

/** What Go's time.LoadLocation says of a name. */
function locationProblem(name: string): string | undefined {
  if (name === 'Local') return undefined;
  if (name.includes('..') || /^[/\\]/.test(name)) return 'time: invalid location name';
  try {
    void new TimeZone(name);
    return undefined;
  } catch (error) {
    if (error instanceof TimeZoneError) return error.message;
    throw error;
  }
}

const ZONE_PART = /^[A-Za-z.\-_0-9+]{1,14}$/;

/** What is wrong with the time zone of a cron job. Mirrors validateTimeZone. */
export function timeZoneProblems(name: string): string[] {
  if (name === '') return ['timeZone must be nil or non-empty string'];
  const isOdd = name
    .split('/')
    .some((part) => part === '.' || part === '..' || part.startsWith('-') || !ZONE_PART.test(part));
  if (isOdd) return [`unknown time zone ${name}`];
  const problems: string[] = [];
  if (name.toLowerCase() === 'local')
    problems.push('timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones');
  const location = locationProblem(name);
  return location === undefined ? problems : [...problems, location];
}
