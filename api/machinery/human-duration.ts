/** Durations and ages as `kubectl get` shows them. */
import { parseTime } from './clock.ts';

/** Two or three significant figures: `5s`, `2m30s`, `5h3m`, `3d4h`, `2y10d`; `<invalid>` when clearly negative. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  // Clocks may differ a little: almost now is now.
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return withRest(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return withRest(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return withRest(days, 'd', hours % 24, 'h');
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return hours < 24 * 365 * 8 ? withRest(years, 'y', days % 365, 'd') : `${years}y`;
}

function withRest(value: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${value}${unit}` : `${value}${unit}${rest}${restUnit}`;
}

/** Age of a time at `nowMs`; `<unknown>` when there is none. */
export function humanAge(time: string | null | undefined, nowMs: number): string {
  return time === undefined || time === null || time === ''
    ? '<unknown>'
    : humanDuration(nowMs - parseTime(time));
}
