/** Secrets that hold tokens for machines that want to join. Mirrors cluster-bootstrap util/secrets. */
import { parseTime } from '../../api/machinery/clock.ts';
import type { Secret } from '../../openapi/generated/core-v1.ts';

export const TOKEN_NAMESPACE = 'kube-system';
const TOKEN_TYPE = 'bootstrap.kubernetes.io/token';
const NAME = /^bootstrap-token-([a-z0-9]{6})$/;

export function isBootstrapToken({ metadata, type }: Secret): boolean {
  return type === TOKEN_TYPE && metadata.namespace === TOKEN_NAMESPACE;
}

/** Text of an entry of the secret, or the empty string. */
function dataOf({ data }: Secret, key: string): string {
  return Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
}

/** Milliseconds the token is good for: Infinity without an end, 0 when it is over or its end cannot be read. */
export function timeLeft(secret: Secret, nowMs: number): number {
  const expiration = dataOf(secret, 'expiration');
  if (expiration === '') return Infinity;
  const left = parseTime(expiration) - nowMs;
  return left > 0 ? left : 0;
}

/** Identity and secret of a token that may sign, or undefined. */
export function signingToken(secret: Secret, nowMs: number): { id: string; secret: string } | undefined {
  const id = dataOf(secret, 'token-id');
  const key = dataOf(secret, 'token-secret');
  const isComplete = id !== '' && NAME.exec(secret.metadata.name!)?.[1] === id && key !== '';
  const maySign = timeLeft(secret, nowMs) > 0 && dataOf(secret, 'usage-bootstrap-signing') === 'true';
  return isComplete && maySign ? { id, secret: key } : undefined;
}
