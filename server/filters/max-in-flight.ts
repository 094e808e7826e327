/** Bounds how many requests are worked on at a time. Mirrors apiserver filters/maxinflight.go. */
import type { Exchange, RequestInfo } from '../exchange.ts';
import { respondText } from '../negotiation/respond.ts';
import type { Filter } from './filter.ts';
import { isLongRunning } from './timeout.ts';

/** Upstream's defaults. 0 stands for no limit. */
export const REQUESTS_IN_FLIGHT_MAX = 400;
export const MUTATING_REQUESTS_IN_FLIGHT_MAX = 200;

const RETRY_AFTER_SECONDS = 1;
const PRIVILEGED_GROUP = 'system:masters';

export interface InFlightLimits {
  readonly readOnly: number;
  readonly mutating: number;
}

export function isMutating({ verb }: RequestInfo): boolean {
  return verb !== 'get' && verb !== 'list' && verb !== 'watch';
}

/** Administrators always get an answer, and long-running requests are not counted. */
export function maxInFlight(limits: InFlightLimits): Filter {
  const running = { readOnly: 0, mutating: 0 };
  return (next) => (exchange) => {
    const { info } = exchange;
    const kind = isMutating(info) ? 'mutating' : 'readOnly';
    const limit = limits[kind];
    if (limit === 0 || isLongRunning(info)) return next(exchange);
    if (running[kind] >= limit) return isPrivileged(exchange) ? next(exchange) : refuse(exchange);
    const answer = next(exchange);
    // What is answered already was never in anybody's way.
    if (!(answer instanceof Promise)) return answer;
    running[kind]++;
    return answer.finally(() => running[kind]--);
  };
}

function isPrivileged({ user }: Exchange): boolean {
  return user?.groups.includes(PRIVILEGED_GROUP) === true;
}

function refuse(exchange: Exchange): Response {
  exchange.headers['Retry-After'] = String(RETRY_AFTER_SECONDS);
  return respondText(exchange, 429, 'Too many requests, please try again later.');
}
