/**
 * Work in progress, counted, so that "settled" can be known: every reconcile, every event on its way to an informer and
 * every item waiting in a workqueue holds the tracker busy. A timer that is not due yet does not.
 */
export class TaskTracker {
  readonly #busy = new Map<string, number>();
  #count = 0;
  #waiters: (() => void)[] = [];

  /** Marks one piece of work named `name` as begun; call the result once when it ends (further calls do nothing). */
  hold(name: string): () => void {
    this.#count++;
    this.#busy.set(name, (this.#busy.get(name) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#release(name);
    };
  }

  /** Runs `task` soon, in a later turn of the event loop, and tracks it to its end. A rejection goes to `onError`. */
  run(name: string, task: () => void | Promise<void>, onError: (error: unknown) => void): void {
    const release = this.hold(name);
    nextTurn(() => {
      void (async () => {
        try {
          await task();
        } catch (error) {
          onError(error);
        } finally {
          release();
        }
      })();
    });
  }

  /** Names of what is busy now, with how often, for messages. */
  busy(): string[] {
    return [...this.#busy].map(([name, count]) => (count === 1 ? name : `${name} (${count})`));
  }

  /** Resolves once nothing is busy, and nothing became busy within a further turn of the event loop. */
  async idle(): Promise<void> {
    do {
      while (this.#count > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
      await new Promise<void>((resolve) => nextTurn(resolve));
    } while (this.#count > 0);
  }

  #release(name: string): void {
    this.#count--;
    const left = this.#busy.get(name)! - 1;
    if (left === 0) this.#busy.delete(name);
    else this.#busy.set(name, left);
    if (this.#count > 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}

/** Calls `callback` in a later turn of the event loop, after pending input and output. */
export function nextTurn(callback: () => void): void {
  setImmediate(callback);
}
