/** Bounds how long a request may take. Mirrors apiserver filters/timeout.go and request_deadline.go. */
import type { Clock } from '../../api/machinery/clock.ts';
import { newBadRequest, newTimeout } from '../../api/machinery/errors.ts';
import { parseDurationMs } from '../../api/machinery/duration.ts';
import type { Exchange, RequestInfo } from '../exchange.ts';
import { respondError } from '../negotiation/write-status.ts';
import type { Filter } from './filter.ts';

/** The limit of requests that are not long-running. */
const REQUEST_TIMEOUT_MS = 34_000;

/** Where the control surface waits for as long as it is told to. */
export const CONTROL_PREFIX = '/_kubemu/';

const LONG_RUNNING_SUBRESOURCES = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

/** Whether a request may stay open for as long as it likes. */
export function isLongRunning({ isResourceRequest, verb, subresource, path }: RequestInfo): boolean {
  if (path.startsWith(CONTROL_PREFIX)) return true;
  return isResourceRequest && (verb === 'watch' || LONG_RUNNING_SUBRESOURCES.has(subresource));
}

export function timeout(clock: Clock): Filter {
  return (next) => (exchange) => {
    if (isLongRunning(exchange.info)) return next(exchange);
    const asked = exchange.query.get('timeout') ?? '';
    const askedMs = asked === '' ? 0 : parseDurationMs(asked);
    if (askedMs === undefined) {
      const why = `time: invalid duration ${JSON.stringify(asked)}`;
      return respondError(exchange, newBadRequest(`invalid timeout specified in the request URL - ${why}`));
    }
    const limitMs = askedMs > 0 ? Math.min(askedMs, REQUEST_TIMEOUT_MS) : REQUEST_TIMEOUT_MS;
    const answer = next(exchange);
    return answer instanceof Promise ? withinLimit(clock, exchange, answer, limitMs) : answer;
  };
}

/** The answer, or a 504 when it takes too long. */
function withinLimit(
  clock: Clock,
  exchange: Exchange,
  answer: Promise<Response>,
  limitMs: number,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const timer = clock.schedule(limitMs, () =>
      resolve(respondError(exchange, newTimeout('request did not complete within the allotted timeout'))),
    );
    answer.then(resolve, reject).finally(() => timer.cancel());
  });
}
