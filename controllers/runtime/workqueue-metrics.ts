/** What a workqueue tells of itself, under the names of component-base metrics/prometheus/workqueue. */
import type { Clock } from '../../api/machinery/clock.ts';
import type { Metrics } from '../../api/machinery/metrics.ts';

/** Seconds, from ten nanoseconds in steps of ten. */
const BOUNDS = Array.from({ length: 10 }, (_, exponent) => Number(`1e${exponent - 8}`));
const LABELS = ['name'];

export interface WorkqueueMetrics {
  added(key: string): void;
  taken(key: string): void;
  done(key: string): void;
  retried(): void;
}

const SILENT: WorkqueueMetrics = { added: () => {}, taken: () => {}, done: () => {}, retried: () => {} };

/** The metrics of the queue `name`; without metrics nothing is counted. */
export function workqueueMetrics(metrics: Metrics | undefined, clock: Clock, name: string): WorkqueueMetrics {
  if (metrics === undefined) return SILENT;
  const labels = [name];
  const depth = metrics.gauge('workqueue_depth', 'Keys that wait.', LABELS);
  const adds = metrics.counter('workqueue_adds_total', 'Keys added.', LABELS);
  const retries = metrics.counter('workqueue_retries_total', 'Keys put back after an error.', LABELS);
  const waited = metrics.histogram(
    'workqueue_queue_duration_seconds',
    'Time keys waited before they were taken.',
    LABELS,
    BOUNDS,
  );
  const worked = metrics.histogram(
    'workqueue_work_duration_seconds',
    'Time a key was worked on.',
    LABELS,
    BOUNDS,
  );
  const addedMs = new Map<string, number>();
  const takenMs = new Map<string, number>();
  watchProcessing(metrics, clock, name, takenMs);
  depth.add(labels, 0);
  return {
    added: (key) => {
      adds.add(labels);
      depth.add(labels);
      addedMs.set(key, clock.now());
    },
    taken: (key) => {
      depth.add(labels, -1);
      const now = clock.now();
      waited.observe(labels, (now - (addedMs.get(key) ?? now)) / 1000);
      addedMs.delete(key);
      takenMs.set(key, now);
    },
    done: (key) => {
      const now = clock.now();
      worked.observe(labels, (now - (takenMs.get(key) ?? now)) / 1000);
      takenMs.delete(key);
    },
    retried: () => retries.add(labels),
  };
}

/** Gauges over the keys that are worked on at the moment of reading. */
function watchProcessing(
  metrics: Metrics,
  clock: Clock,
  name: string,
  takenMs: ReadonlyMap<string, number>,
): void {
  const unfinished = metrics.gauge(
    'workqueue_unfinished_work_seconds',
    'Time spent so far on the keys that are worked on, added up.',
    LABELS,
  );
  const longest = metrics.gauge(
    'workqueue_longest_running_processor_seconds',
    'Time spent so far on the key that is worked on for longest.',
    LABELS,
  );
  metrics.onCollect(() => {
    const seconds = [...takenMs.values()].map((since) => (clock.now() - since) / 1000);
    unfinished.set(
      [name],
      seconds.reduce((sum, value) => sum + value, 0),
    );
    longest.set([name], Math.max(0, ...seconds));
  });
}
