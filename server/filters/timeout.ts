/** Bounds how long a request may take. Mirrors apiserver filters/timeout.go and request_deadline.go. */
import type { Clock } from '../../api/machinery/clock.ts';
import { newBadRequest, newTimeout } from '../../api/machinery/errors.ts';
import { parseDurationMs } from '../../api/machinery/duration.ts';
import type { RequestInfo } from '../exchange.ts';
import { respondError } from '../negotiation/write-status.ts';
import type { Filter } from './filter.ts';

/** The limit of requests that are not long-running. */
export const REQUEST_TIMEOUT_MS = 34_000;

/** Where the control surface waits for as long as it is told to. */
export const CONTROL_PREFIX = '/_kubemu/';

const LONG_RUNNING_SUBRESOURCES = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

/** Whether a request may stay open for as long as it likes. */
export function isLongRunning({ isResourceRequest, verb, subresource, path }: RequestInfo): boolean {
  if (path.startsWith(CONTROL_PREFIX)) return true;
  return isResourceRequest && (verb === 'watch' || LONG_RUNNING_SUBRESOURCES.has(subresource));
}

export function timeout(clock: Clock): Filter {
  return async (context, next) => {
    const exchange = context.get('exchange');
    if (isLongRunning(exchange.info)) return next();
    const asked = exchange.query.get('timeout') ?? '';
    const askedMs = asked === '' ? 0 : parseDurationMs(asked);
    if (askedMs === undefined) {
      const why = `time: invalid duration ${JSON.stringify(asked)}`;
      return respondError(exchange, newBadRequest(`invalid timeout specified in the request URL - ${why}`));
    }
    const limitMs = askedMs > 0 ? Math.min(askedMs, REQUEST_TIMEOUT_MS) : REQUEST_TIMEOUT_MS;
    let expire!: (expired: true) => void;
    const expiry = new Promise<true>((resolve) => (expire = resolve));
    const timer = clock.schedule(limitMs, () => expire(true));
    try {
      const expired = await Promise.race([next(), expiry]);
      if (expired !== true) return;
      return respondError(exchange, newTimeout('request did not complete within the allotted timeout'));
    } finally {
      timer.cancel();
    }
  };
}
