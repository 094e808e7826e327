import type { StorageError } from './errors.ts';

interface Waiter {
  readonly revision: number;
  readonly settle: (error?: unknown) => void;
}

/** Callers that wait for a revision to be committed. */
export class RevisionWaiters {
  readonly #waiters = new Set<Waiter>();

  /** Resolves at `resolveUpTo` of `revision` or more; rejects at `rejectAll`, or with the signal's reason. */
  add(revision: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => waiter.settle(signal?.reason);
      const waiter: Waiter = {
        revision,
        settle: (error) => {
          this.#waiters.delete(waiter);
          signal?.removeEventListener('abort', onAbort);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  resolveUpTo(revision: number): void {
    for (const waiter of this.#waiters) if (waiter.revision <= revision) waiter.settle();
  }

  rejectAll(error: StorageError): void {
    for (const waiter of this.#waiters) waiter.settle(error);
  }
}
