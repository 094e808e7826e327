import type { Exchange } from '../exchange.ts';

/** At once where nothing has to be waited for: most reads are answered in the turn they came in. */
export type Answer = Response | Promise<Response>;

/** Answers a request, or throws. */
export type ExchangeHandler = (exchange: Exchange) => Answer;

/** One stage of the chain: a handler made of the one behind it, to which it passes requests on or answers them itself. */
export type Filter = (next: ExchangeHandler) => ExchangeHandler;
