/** Offsets of a time zone of the IANA database, as the platform knows it. */

/** Go's text for a zone there is not. */
export class TimeZoneError extends Error {
  override readonly name = 'TimeZoneError';

  constructor(zone: string) {
    super(`unknown time zone ${zone}`);
  }
}

const HOUR_MS = 3_600_000;

export class TimeZone {
  readonly #format: Intl.DateTimeFormat | undefined;

  /** Throws a TimeZoneError when there is no such zone. Case matters, as on upstream's file systems. */
  constructor(name: string) {
    if (name === 'UTC' || name === '') return;
    try {
      this.#format = new Intl.DateTimeFormat('en-US', {
        timeZone: name,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    } catch {
      throw new TimeZoneError(name);
    }
    const known = this.#format.resolvedOptions().timeZone;
    const isOffset = /^[+-]/.test(name);
    if (isOffset || (known !== name && known.toLowerCase() === name.toLowerCase()))
      throw new TimeZoneError(name);
  }

  /** Milliseconds that clocks of the zone are ahead of UTC at an instant. */
  offsetMs(instantMs: number): number {
    if (this.#format === undefined) return 0;
    const parts = new Map(
      this.#format.formatToParts(instantMs).map(({ type, value }) => [type, Number(value)]),
    );
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const wallMs = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return wallMs - Math.floor(instantMs / 1000) * 1000;
  }

  /** Instants at which clocks of the zone show a wall time (as if it were UTC): none, one, or two where it repeats. */
  instants(wallMs: number): number[] {
    const offsets = [this.offsetMs(wallMs - 24 * HOUR_MS), this.offsetMs(wallMs + 24 * HOUR_MS)];
    const candidates = [...new Set(offsets)].map((offset) => wallMs - offset);
    return candidates.filter((instant) => instant + this.offsetMs(instant) === wallMs).sort((a, b) => a - b);
  }

  /** RFC 3339 with the zone's offset and whole seconds, as Go formats a time in a zone. */
  format(instantMs: number): string {
    const offsetMs = this.offsetMs(instantMs);
    const text = new Date(instantMs + offsetMs).toISOString().slice(0, 19);
    if (offsetMs === 0) return `${text}Z`;
    const minutes = Math.abs(offsetMs) / 60_000;
    const two = (number: number): string => String(Math.floor(number)).padStart(2, '0');
    return `${text}${offsetMs < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
  }
}
