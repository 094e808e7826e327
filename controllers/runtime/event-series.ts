/**
 * Counts equal events of the newer API, where one is written at its first and second occurrence and then only once in a
 * while. Mirrors client-go tools/events event_broadcaster.go.
 */
import type { Clock, Timer } from '../../api/machinery/clock.ts';
import type { Event } from '../../openapi/generated/core-v1.ts';

/** A series without a further event for this long is over. */
const SERIES_END_MS = 360_000;
/** Series kept at a time; the oldest is forgotten first. */
const SERIES_MAX = 4096;

/** An occurrence of an event, by what makes it equal to another. */
export interface SeriesKey {
  readonly involved: Event['involvedObject'];
  readonly type: string;
  readonly action: string;
  readonly reason: string;
  readonly message: string;
}

interface Series {
  readonly name: string;
  count: number;
  /** As far as it was written. */
  written: number;
  lastMs: number;
  timer: Timer | undefined;
}

/** What to write about an occurrence. */
export interface SeriesState {
  readonly name: string;
  /** 1: there is no such event yet. */
  readonly count: number;
  readonly lastMs: number;
}

export class EventSeries {
  readonly #clock: Clock;
  readonly #newName: (object: string) => string;
  readonly #finish: (key: SeriesKey, state: SeriesState) => void;
  readonly #series = new Map<string, Series>();

  /** `finish` is called when a series ends whose last occurrences were not written. */
  constructor(
    clock: Clock,
    newName: (object: string) => string,
    finish: (key: SeriesKey, state: SeriesState) => void,
  ) {
    this.#clock = clock;
    this.#newName = newName;
    this.#finish = finish;
  }

  /** Undefined when there is nothing to write yet. */
  observe(key: SeriesKey): SeriesState | undefined {
    const { involved, type, action, reason, message } = key;
    const text = JSON.stringify([involved.kind, involved.uid, type, action, reason, message]);
    const lastMs = this.#clock.now();
    let series = this.#series.get(text);
    if (series === undefined) {
      series = { name: this.#newName(involved.name ?? ''), count: 0, written: 0, lastMs, timer: undefined };
      this.#series.set(text, series);
      if (this.#series.size > SERIES_MAX) this.#forget(this.#series.keys().next().value!);
    }
    series.count++;
    series.lastMs = lastMs;
    series.timer?.cancel();
    series.timer = this.#clock.schedule(SERIES_END_MS, () => this.#end(text, key), { recurring: true });
    if (series.count > 2) return undefined;
    series.written = series.count;
    return { name: series.name, count: series.count, lastMs };
  }

  #end(text: string, key: SeriesKey): void {
    const series = this.#series.get(text);
    if (series === undefined) return;
    this.#forget(text);
    if (series.count > series.written) this.#finish(key, series);
  }

  #forget(text: string): void {
    this.#series.get(text)?.timer?.cancel();
    this.#series.delete(text);
  }
}
