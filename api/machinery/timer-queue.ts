/** Timers in the order they are due: a binary heap from which any entry can be taken. */

export interface QueuedTimer {
  readonly dueMs: number;
  /** Order among timers due at one moment. */
  readonly sequence: number;
  readonly callback: () => void;
  readonly name: string;
  /** Place in the heap; -1 when it is in none. */
  place: number;
}

export class TimerQueue {
  readonly #heap: QueuedTimer[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The timer due first. */
  first(): QueuedTimer | undefined {
    return this.#heap[0];
  }

  add(timer: QueuedTimer): void {
    timer.place = this.#heap.length;
    this.#heap.push(timer);
    this.#rise(timer);
  }

  /** Takes a timer out; one that is not in does nothing. */
  remove(timer: QueuedTimer): void {
    const { place } = timer;
    if (place < 0 || this.#heap[place] !== timer) return;
    const last = this.#heap.pop()!;
    timer.place = -1;
    if (last === timer) return;
    this.#set(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(timer: QueuedTimer): void {
    while (timer.place > 0) {
      const parent = this.#heap[(timer.place - 1) >> 1]!;
      if (isBefore(parent, timer)) return;
      const { place } = parent;
      this.#set(parent, timer.place);
      this.#set(timer, place);
    }
  }

  #sink(timer: QueuedTimer): void {
    for (;;) {
      const left = this.#heap[timer.place * 2 + 1];
      const right = this.#heap[timer.place * 2 + 2];
      const child = right !== undefined && isBefore(right, left!) ? right : left;
      if (child === undefined || isBefore(timer, child)) return;
      const { place } = child;
      this.#set(child, timer.place);
      this.#set(timer, place);
    }
  }

  #set(timer: QueuedTimer, place: number): void {
    this.#heap[place] = timer;
    timer.place = place;
  }
}

/** Whether `a` is due before `b`; of two due at one moment, the one made first. */
export function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}
