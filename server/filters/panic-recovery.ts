/** Turns whatever is thrown into an answer, so that no fault of a handler reaches the process. */
import { StatusError } from '../../api/machinery/errors.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import type { Exchange } from '../exchange.ts';
import { respondError } from '../negotiation/write-status.ts';
import type { Filter } from './filter.ts';

export function panicRecovery(logger: Logger): Filter {
  return (next) => (exchange) => {
    try {
      const answer = next(exchange);
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((error: unknown) => answerError(exchange, error, logger));
    } catch (error) {
      return answerError(exchange, error, logger);
    }
  };
}

/** The answer to an error. Faults of ours go to the log with their stack; a client that went away is no fault. */
function answerError(exchange: Exchange, error: unknown, logger: Logger): Response {
  const cause = error instanceof StatusError ? error.cause : error;
  const isFault = !(error instanceof StatusError) || (error.code === 500 && cause !== undefined);
  if (isFault && !isAborted(exchange)) {
    logger.error('request failed', { verb: exchange.info.verb, path: exchange.info.path, error: cause });
  }
  return respondError(exchange, error);
}

function isAborted({ request }: Exchange): boolean {
  return request.signal?.aborted === true;
}
