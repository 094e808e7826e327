import type { Clock } from '../api/machinery/clock.ts';
import type { Logger } from '../api/machinery/logger.ts';
import type { Store } from '../storage/interface.ts';

/** How often history is forgotten unless told otherwise. Mirrors apiserver storagebackend DefaultCompactInterval. */
export const COMPACTION_INTERVAL_MS = 300_000;

/**
 * At each interval forgets what was history at the one before: what changed within the last interval stays readable.
 * An interval of 0 never does. Returns how to stop. Mirrors apiserver storage/etcd3/compact.go.
 */
export function compactRegularly(store: Store, intervalMs: number, clock: Clock, logger: Logger): () => void {
  if (intervalMs === 0) return () => {};
  let previous = store.revision;
  const round = (): void => {
    const target = previous;
    previous = store.revision;
    store.compact(target).catch((error: unknown) => logger.error('compaction failed', { error }));
    timer = clock.schedule(intervalMs, round);
  };
  let timer = clock.schedule(intervalMs, round);
  return () => timer.cancel();
}

/** Forgets all history; returns the revision from which it goes on, the current one. */
export async function compactNow(store: Store): Promise<number> {
  const { revision } = store;
  await store.compact(revision);
  return revision;
}
