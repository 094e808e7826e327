import type { MiddlewareHandler } from 'hono';
import type { AppEnvironment } from '../exchange.ts';

/** One stage of the chain: passes the request on by `next`, or answers it. */
export type Filter = MiddlewareHandler<AppEnvironment>;
