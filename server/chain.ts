/** What every request passes before it is handled, in order. Mirrors apiserver server/config.go DefaultBuildHandlerChain. */
import type { Clock } from '../api/machinery/clock.ts';
import type { Logger } from '../api/machinery/logger.ts';
import type { TaskTracker } from '../api/machinery/tasks.ts';
import type { Random } from '../api/machinery/random.ts';
import type { Authenticator } from './authn/authenticator.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { authentication, type FlowControlIdentity } from './filters/authentication.ts';
import { authorization } from './filters/authorization.ts';
import { impersonation } from './filters/impersonation.ts';
import { inFlight } from './filters/in-flight.ts';
import type { ExchangeHandler, Filter } from './filters/filter.ts';
import { maxInFlight, type InFlightLimits } from './filters/max-in-flight.ts';
import { panicRecovery } from './filters/panic-recovery.ts';
import { requestInfo } from './filters/request-info.ts';
import { requestMetrics } from './filters/request-metrics.ts';
import type { RequestMetrics } from './metrics/request-metrics.ts';
import { responseHeaders } from './filters/response-headers.ts';
import { timeout } from './filters/timeout.ts';

export interface ChainOptions {
  /** Time of the client. */
  readonly wall: Clock;
  /** Told of requests under way. */
  readonly tasks?: TaskTracker;
  readonly random: Random;
  /** Told of faults. */
  readonly logger: Logger;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly flowControl: FlowControlIdentity;
  readonly requestMetrics: RequestMetrics;
  readonly inFlightLimits: InFlightLimits;
}

/** The filters, outermost first, around `handler`. */
export function filterChain(options: ChainOptions, handler: ExchangeHandler): ExchangeHandler {
  const filters: readonly Filter[] = [
    requestMetrics(options.requestMetrics),
    panicRecovery(options.logger),
    requestInfo(),
    responseHeaders(options.random),
    timeout(options.wall),
    ...(options.tasks === undefined ? [] : [inFlight(options.tasks)]),
    authentication(options.authenticator, options.flowControl),
    impersonation(options.authorizer),
    maxInFlight(options.inFlightLimits),
    authorization(options.authorizer),
  ];
  return filters.reduceRight((next, filter) => filter(next), handler);
}
