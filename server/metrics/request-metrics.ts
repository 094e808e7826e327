/** What is counted of requests, under upstream's names. Mirrors apiserver endpoints/metrics. */
import type { Clock } from '../../api/machinery/clock.ts';
import type { Metrics } from '../../api/machinery/metrics.ts';
import type { Exchange, RequestInfo } from '../exchange.ts';
import { isLongRunning } from '../filters/timeout.ts';
import { isMutating } from '../filters/max-in-flight.ts';

const COMPONENT = 'apiserver';
const APPLY_TYPE = 'application/apply-patch+yaml';
const PLACE_LABELS = ['group', 'version', 'resource', 'subresource', 'scope', 'component'];
const DURATION_BOUNDS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const VERBS = new Set([
  'APPLY',
  'CONNECT',
  'DELETE',
  'DELETECOLLECTION',
  'GET',
  'LIST',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'WATCH',
]);
const CONNECTING = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

export class RequestMetrics {
  readonly #clock: Clock;
  readonly #total;
  readonly #durations;
  readonly #longRunning;
  readonly #inFlight;
  readonly #watchEvents;

  /** `clock` is the time of the clients. */
  constructor(metrics: Metrics, clock: Clock) {
    this.#clock = clock;
    this.#total = metrics.counter('apiserver_request_total', 'Requests answered, by what they asked for.', [
      'verb',
      'dry_run',
      ...PLACE_LABELS,
      'code',
    ]);
    this.#durations = metrics.histogram(
      'apiserver_request_duration_seconds',
      'Time until a request was answered.',
      ['verb', 'dry_run', ...PLACE_LABELS],
      DURATION_BOUNDS,
    );
    this.#longRunning = metrics.gauge(
      'apiserver_longrunning_requests',
      'Watches and the like that are open.',
      ['verb', ...PLACE_LABELS],
    );
    this.#inFlight = metrics.gauge(
      'apiserver_current_inflight_requests',
      'Requests that are being worked on.',
      ['request_kind'],
    );
    this.#watchEvents = metrics.counter('apiserver_watch_events_total', 'Events sent to watchers.', [
      'group',
      'version',
      'resource',
    ]);
    for (const kind of ['mutating', 'readOnly']) this.#inFlight.set([kind], 0);
  }

  /** A request has come; call the result with its status when it is answered. */
  begin({ info, request, query }: Exchange): (code: number) => void {
    const start = this.#clock.now();
    const labels = [verbOf(info, request), dryRunOf(query), ...placeOf(info)];
    const kind = isLongRunning(info) ? undefined : [isMutating(info) ? 'mutating' : 'readOnly'];
    if (kind !== undefined) this.#inFlight.add(kind);
    return (code) => {
      if (kind !== undefined) this.#inFlight.add(kind, -1);
      this.#total.add([...labels, String(code)]);
      this.#durations.observe(labels, (this.#clock.now() - start) / 1000);
    };
  }

  /** A watch is open; call the result when it is over. */
  openWatch({ info }: Exchange): () => void {
    const labels = ['WATCH', ...placeOf(info)];
    this.#longRunning.add(labels);
    return () => this.#longRunning.add(labels, -1);
  }

  sentEvents({ info }: Exchange, count: number): void {
    this.#watchEvents.add([info.apiGroup, info.apiVersion, info.resource], count);
  }
}

function placeOf(info: RequestInfo): string[] {
  const { apiGroup, apiVersion, resource, subresource } = info;
  // Of other paths the path itself is what was asked for, unless nothing is there to bound how many there are.
  const what = info.isResourceRequest ? subresource : '';
  return [apiGroup, apiVersion, resource, what, scopeOf(info), COMPONENT];
}

function scopeOf({ name, verb, namespace, isResourceRequest }: RequestInfo): string {
  if (name !== '' || verb === 'create') return 'resource';
  if (namespace !== '') return 'namespace';
  return isResourceRequest ? 'cluster' : '';
}

function verbOf({ verb, isResourceRequest, subresource }: RequestInfo, { method, headers }: Request): string {
  if (isResourceRequest && CONNECTING.has(subresource)) return 'CONNECT';
  if (verb === 'patch' && headers.get('content-type') === APPLY_TYPE) return 'APPLY';
  const isNamed = isResourceRequest && ['list', 'watch', 'deletecollection'].includes(verb);
  const reported = isNamed ? verb.toUpperCase() : method === 'HEAD' ? 'GET' : method.toUpperCase();
  return VERBS.has(reported) ? reported : 'other';
}

function dryRunOf(query: URLSearchParams): string {
  const values = query.getAll('dryRun').filter((value) => value !== '');
  if (values.length === 0) return '';
  return values.every((value) => value === 'All') ? 'All' : 'invalid';
}
