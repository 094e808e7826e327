/** What every request passes, in order; each stage is one function. */
import type { Context, MiddlewareHandler } from 'hono';
import type { Clock } from '../../api/machinery/clock.ts';
import { isStatusError, newForbidden, newInternalError, newTimeout, newBadRequest } from '../../api/machinery/errors.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import { randomUUID, type Random } from '../../api/machinery/random.ts';
import type { Authenticator } from './authenticator.ts';
import { denialText, type Authorizer } from './authorizer.ts';
import { respondStatus, warningHeaders } from './negotiation/responses.ts';
import { parseRequestInfo, type HonoTypes } from './request.ts';

/** Longest a request other than a watch may take. */
export const REQUEST_TIMEOUT_MS = 34_000;

export interface ChainOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly authenticate: Authenticator;
  readonly authorizer: Authorizer;
  /** Aborted when the server stops: watches end. */
  readonly closing: AbortSignal;
}

type Stage = MiddlewareHandler<HonoTypes>;

/** The stages, outermost first. */
export function chain(options: ChainOptions): readonly Stage[] {
  return [requestInfo(options), responseHeaders(), timeout(options), authentication(options), authorization(options)];
}

/** The one place where an error becomes an answer; what is not a StatusError is a bug and is logged. */
export function recover(logger: Logger): (error: Error, context: Context<HonoTypes>) => Promise<Response> {
  return async (error, context) => {
    if (!isStatusError(error)) logger.error('request failed', { method: context.req.method, path: context.req.path, error });
    const status = (isStatusError(error) ? error : newInternalError(error)).status;
    const response = await respondStatus(context.req.raw, status);
    addHeaders(context, response);
    return response;
  };
}

function requestInfo({ random, closing }: ChainOptions): Stage {
  return async (context, next) => {
    const url = new URL(context.req.url);
    const info = parseRequestInfo(context.req.method, url.pathname, url.searchParams);
    const auditId = context.req.header('Audit-ID') || randomUUID(random);
    context.set('state', { info, warnings: [], auditId, signal: closing, user: { name: '', groups: [] } });
    await next();
  };
}

function responseHeaders(): Stage {
  return async (context, next) => {
    await next();
    addHeaders(context, context.res);
  };
}

function addHeaders(context: Context<HonoTypes>, response: Response): void {
  const state = context.get('state');
  const { headers } = response;
  headers.set('Audit-Id', state.auditId);
  if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-cache, private');
  for (const warning of warningHeaders(state.warnings)) headers.append('Warning', warning);
}

/** Bounds everything but watches, by the server's limit or the client's shorter one. */
function timeout({ clock }: ChainOptions): Stage {
  return async (context, next) => {
    const { info } = context.get('state');
    if (info.verb === 'watch') return next();
    const limitMs = Math.min(REQUEST_TIMEOUT_MS, requestedTimeoutMs(context.req.query('timeout')) ?? REQUEST_TIMEOUT_MS);
    let expire!: (error: Error) => void;
    const expired = new Promise<never>((_resolve, reject) => (expire = reject));
    expired.catch(() => {});
    const timer = clock.schedule(limitMs, () => expire(newTimeout(`request did not complete within the allotted timeout`)));
    try {
      await Promise.race([next(), expired]);
    } finally {
      timer.cancel();
    }
  };
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A Go duration such as `30s`; 0 and absent mean no wish. Throws 400. */
function requestedTimeoutMs(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || /^0(s|ms|m|h)?$/.test(text)) return undefined;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) throw newBadRequest('invalid timeout specified in the request URL');
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) total += Number(number) * UNITS_MS[unit!]!;
  return total;
}

const FLOW_HEADERS = ['X-Kubernetes-Pf-Flowschema-Uid', 'X-Kubernetes-Pf-Prioritylevel-Uid'] as const;

function authentication({ authenticate, random }: ChainOptions): Stage {
  // One flow schema and one priority level hold all requests.
  const uids = FLOW_HEADERS.map(() => randomUUID(random));
  return async (context, next) => {
    context.get('state').user = authenticate(context.req.header('Authorization'), context.env ?? {});
    await next();
    FLOW_HEADERS.forEach((name, index) => context.res.headers.set(name, uids[index]!));
  };
}

function authorization({ authorizer }: ChainOptions): Stage {
  return async (context, next) => {
    const { user, info } = context.get('state');
    if (authorizer.authorize(user, info) !== 'allow') {
      throw newForbidden({ group: info.group, resource: info.resource }, info.name, denialText(user, info));
    }
    await next();
  };
}
