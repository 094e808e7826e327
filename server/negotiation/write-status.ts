/** Status bodies: every failure leaves the server through here. Mirrors handlers/responsewriters ErrorNegotiated. */
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import { canonicalize } from '../../api/machinery/codec.ts';
import { StatusError, newInternalError, type Status } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { Exchange } from '../exchange.ts';
import { PLAIN_OFFER, JSON_TYPE, tryNegotiate, type OutputFormat } from './accept.ts';
import { encodeDocument } from './encode.ts';
import { wantsPretty } from './pretty.ts';
import { respond } from './respond.ts';

export const STATUS_TYPE = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';

/** Anything thrown as the failure a client is told: what is no StatusError is a fault of ours, a 500. */
export function toStatusError(error: unknown): StatusError {
  return error instanceof StatusError ? error : newInternalError(error);
}

/** A Status with its empty members left out. */
export function canonicalStatus(status: Status): Status {
  return canonicalize(builtInSchema(STATUS_TYPE), status) as unknown as Status;
}

/** Writes a Status in a form the client accepts, JSON when it accepts none we have. */
export function respondStatus(
  exchange: Exchange,
  status: Status,
  code: number = status.code,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const negotiated = tryNegotiate(exchange.request.headers.get('accept'), PLAIN_OFFER);
  const format: OutputFormat = negotiated ?? { type: JSON_TYPE, pretty: false };
  const pretty = format.pretty || wantsPretty(exchange.query, exchange.request.headers.get('user-agent'));
  const canonical = canonicalStatus(status) as unknown as UnknownObject;
  const body = encodeDocument(builtInSchema(STATUS_TYPE), canonical, { ...format, pretty });
  const all: Record<string, string> = { 'Content-Type': format.type, ...headers };
  const retryAfter = status.details?.retryAfterSeconds ?? (code === 429 ? 1 : 0);
  if (retryAfter > 0) all['Retry-After'] = String(retryAfter);
  return respond(exchange, code, all, body);
}

export function respondError(
  exchange: Exchange,
  error: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { status } = toStatusError(error);
  return respondStatus(exchange, status, status.code, headers);
}
