/** Tokens of service accounts: signed, and checked against what they are bound to. Mirrors pkg/serviceaccount claims.go and jwt.go. */
import { dateOf, parseTime, type Clock } from '../../api/machinery/clock.ts';
import { goQuote } from '../../api/machinery/go-format.ts';
import type { KubeObject, ObjectMeta } from '../../api/machinery/object-meta.ts';
import { randomUUID, type Random } from '../../api/machinery/random.ts';
import type { ObjectReader } from '../admission/reader.ts';
import type { UserInfo } from '../registry/interface.ts';
import type { Secret } from '../../openapi/generated/core-v1.ts';
import { ISSUER, type TokenAuthenticator, type TokenVerdict } from './authenticator.ts';
import type { SigningKey } from './signing-key.ts';

const LEGACY_ISSUER = 'kubernetes/serviceaccount';
const ALGORITHM = 'RS256';
/** How far clocks may be apart, in seconds. */
const LEEWAY_SECONDS = 60;
const DAY_MS = 24 * 3600 * 1000;
/** Label of a secret: the last day on which its token was used. */
export const LAST_USED_LABEL = 'kubernetes.io/legacy-token-last-used';
const INVALID_SINCE_LABEL = 'kubernetes.io/legacy-token-invalid-since';
const EXTRA_PREFIX = 'authentication.kubernetes.io/';

interface Reference {
  readonly name: string;
  readonly uid?: string;
}

/** What a token says besides its registered claims. */
interface PrivateClaims {
  readonly namespace: string;
  readonly serviceaccount: Reference;
  readonly pod?: Reference;
  readonly secret?: Reference;
  readonly node?: Reference;
  readonly warnafter?: number;
}

export interface TokenClaims {
  readonly account: ObjectMeta;
  readonly pod?: ObjectMeta;
  readonly secret?: ObjectMeta;
  readonly node?: ObjectMeta;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** Of a token that is good for longer than was asked; 0 for others. */
  readonly warnAfterSeconds: number;
}

export interface TokenServiceOptions {
  readonly key: () => Promise<SigningKey>;
  /** Of what tokens are bound to. */
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
  /** Notes the day on which the token of a secret was used. Never fails. Default: it is not noted. */
  readonly noteUse?: (secret: ObjectMeta, day: string) => Promise<void>;
}

export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: TokenServiceOptions;

  constructor(options: TokenServiceOptions) {
    this.#options = options;
  }

  /** A signed token. */
  async issue(claims: TokenClaims): Promise<string> {
    const { SignJWT } = await import('jose');
    const { id, privateKey } = await this.#options.key();
    const { account, audiences, expirationSeconds } = claims;
    const now = Math.floor(this.#options.clock.now() / 1000);
    return new SignJWT({
      aud: [...audiences],
      exp: now + expirationSeconds,
      iat: now,
      iss: ISSUER,
      jti: randomUUID(this.#options.random),
      'kubernetes.io': privateClaims(claims, now),
      nbf: now,
      sub: `system:serviceaccount:${account.namespace}:${account.name}`,
    })
      .setProtectedHeader({ alg: ALGORITHM, kid: id })
      .sign(privateKey);
  }

  /** A token without an end, for a secret. Mirrors serviceaccount legacy.go. */
  async issueForSecret({ metadata: account }: KubeObject, { metadata: secret }: KubeObject): Promise<string> {
    const { SignJWT } = await import('jose');
    const { id, privateKey } = await this.#options.key();
    return new SignJWT({
      iss: LEGACY_ISSUER,
      'kubernetes.io/serviceaccount/namespace': account.namespace,
      'kubernetes.io/serviceaccount/secret.name': secret.name,
      'kubernetes.io/serviceaccount/service-account.name': account.name,
      'kubernetes.io/serviceaccount/service-account.uid': account.uid,
      sub: `system:serviceaccount:${account.namespace}:${account.name}`,
    })
      .setProtectedHeader({ alg: ALGORITHM, kid: id })
      .sign(privateKey);
  }

  /** Public keys as a JWK set. */
  async keySet(): Promise<object> {
    const { exportJWK } = await import('jose');
    const { id, publicKey } = await this.#options.key();
    const { kty, n, e } = await exportJWK(publicKey);
    return { keys: [{ use: 'sig', kty, kid: id, alg: ALGORITHM, n, e }] };
  }

  async authenticate(token: string, audiences: readonly string[]): Promise<TokenVerdict | undefined> {
    const { decodeJwt, errors, jwtVerify } = await import('jose');
    try {
      const { iss } = decodeJwt(token);
      if (iss === LEGACY_ISSUER) return await this.#authenticateLegacy(token, audiences);
      if (iss !== ISSUER) return undefined;
    } catch {
      return undefined;
    }
    const { publicKey } = await this.#options.key();
    try {
      const { payload } = await jwtVerify(token, publicKey, {
        algorithms: [ALGORITHM],
        clockTolerance: LEEWAY_SECONDS,
        currentDate: new Date(this.#options.clock.now()),
      });
      const given = typeof payload.aud === 'string' ? [payload.aud] : (payload.aud ?? []);
      const common = given.filter((audience) => audiences.includes(audience));
      if (common.length === 0) {
        return {
          error: `token audiences ${quoteAll(given)} is invalid for the target audiences ${quoteAll(audiences)}`,
        };
      }
      const claims = payload['kubernetes.io'] as PrivateClaims;
      const problem = this.#problemOf(claims);
      if (problem !== undefined) return { error: problem };
      return { user: userOf(claims, payload.jti), audiences: common };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { error: 'service account token has expired' };
      if (error instanceof errors.JWTClaimValidationFailed)
        return { error: 'service account token is not valid yet' };
      if (error instanceof errors.JOSEError)
        return { error: 'go-jose/go-jose: error in cryptographic primitive' };
      throw error;
    }
  }

  /** A token that is in a secret, for as long as the secret and its account are there. */
  async #authenticateLegacy(token: string, audiences: readonly string[]): Promise<TokenVerdict | undefined> {
    const { jwtVerify } = await import('jose');
    const { publicKey } = await this.#options.key();
    const verified = await jwtVerify(token, publicKey, { algorithms: [ALGORITHM] }).catch(() => undefined);
    if (verified === undefined) return { error: 'go-jose/go-jose: error in cryptographic primitive' };
    const claim = (name: string): string => String(verified.payload[`kubernetes.io/serviceaccount/${name}`]);
    const namespace = claim('namespace');
    const { reader } = this.#options;
    const secret = reader.get({ group: '', resource: 'secrets' }, namespace, claim('secret.name'));
    const held = (secret as unknown as Secret | undefined)?.data?.['token'];
    if (held === undefined || Buffer.from(held, 'base64').toString('utf8') !== token)
      return { error: 'service account token has been invalidated' };
    const name = claim('service-account.name');
    const uid = claim('service-account.uid');
    const account = reader.get({ group: '', resource: 'serviceaccounts' }, namespace, name);
    if (account?.metadata.uid !== uid)
      return { error: `service account UID (${account?.metadata.uid ?? ''}) does not match claim (${uid})` };
    await this.#noteUse(secret!.metadata);
    if ((secret!.metadata.labels?.[INVALID_SINCE_LABEL] ?? '') !== '')
      return { error: invalidated(secret!.metadata, `${namespace}/${name}`) };
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
    return { user: { name: `system:serviceaccount:${namespace}:${name}`, uid, groups }, audiences };
  }

  async #noteUse(secret: ObjectMeta): Promise<void> {
    const now = this.#options.clock.now();
    const noted = secret.labels?.[LAST_USED_LABEL];
    if (noted === dateOf(now) || noted === dateOf(now + DAY_MS)) return;
    await this.#options.noteUse?.(secret, dateOf(now));
  }

  /** Whether what the token is bound to is still what it was. */
  #problemOf({ namespace, serviceaccount, secret, pod, node }: PrivateClaims): string | undefined {
    const account = this.#read('serviceaccounts', namespace, serviceaccount);
    if (account === undefined) return `serviceaccounts ${goQuote(serviceaccount.name)} not found`;
    if (account.uid !== serviceaccount.uid)
      return `service account UID (${account.uid}) does not match claim (${serviceaccount.uid})`;
    if (this.#isDeleted(account))
      return `service account ${namespace}/${serviceaccount.name} has been deleted`;
    return (
      this.#problemOfBound('secret', namespace, secret) ??
      this.#problemOfBound('pod', namespace, pod) ??
      // The node of a pod is told and not checked.
      (pod === undefined ? this.#problemOfBound('node', '', node) : undefined)
    );
  }

  #problemOfBound(
    kind: 'secret' | 'pod' | 'node',
    namespace: string,
    reference: Reference | undefined,
  ): string | undefined {
    if (reference === undefined) return undefined;
    const bound = this.#read(`${kind}s`, namespace, reference);
    if (bound === undefined || this.#isDeleted(bound)) return 'service account token has been invalidated';
    if (bound.uid === reference.uid) return undefined;
    return `${kind} UID (${bound.uid}) does not match service account ${kind} ref claim (${reference.uid})`;
  }

  #read(resource: string, namespace: string, { name }: Reference): ObjectMeta | undefined {
    return this.#options.reader.get({ group: '', resource }, namespace, name)?.metadata;
  }

  #isDeleted({ deletionTimestamp }: ObjectMeta): boolean {
    if (deletionTimestamp === undefined) return false;
    return parseTime(deletionTimestamp) < this.#options.clock.now() - LEEWAY_SECONDS * 1000;
  }
}

function invalidated({ namespace, name }: ObjectMeta, account: string): string {
  return `the token in secret ${namespace}/${name} for service account ${account} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${INVALID_SINCE_LABEL}' label from the secret to temporarily allow use of this token`;
}

function privateClaims(claims: TokenClaims, nowSeconds: number): PrivateClaims {
  const { account, pod, secret, node, warnAfterSeconds } = claims;
  return {
    namespace: account.namespace!,
    ...(node === undefined ? {} : { node: referenceTo(node) }),
    ...(pod === undefined ? {} : { pod: referenceTo(pod) }),
    ...(secret === undefined ? {} : { secret: referenceTo(secret) }),
    serviceaccount: referenceTo(account),
    ...(warnAfterSeconds === 0 ? {} : { warnafter: nowSeconds + warnAfterSeconds }),
  };
}

function referenceTo({ name, uid }: ObjectMeta): Reference {
  return { name: name!, ...(uid === undefined ? {} : { uid }) };
}

function userOf({ namespace, serviceaccount, pod, node }: PrivateClaims, id: string | undefined): UserInfo {
  const extra: [string, string | undefined][] = [
    ['credential-id', id === undefined ? undefined : `JTI=${id}`],
    ['node-name', node?.name],
    ['node-uid', node?.uid],
    ['pod-name', pod?.name],
    ['pod-uid', pod?.uid],
  ];
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    ...(serviceaccount.uid === undefined ? {} : { uid: serviceaccount.uid }),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra: Object.fromEntries(
      extra.flatMap(([name, value]) => (value === undefined ? [] : [[`${EXTRA_PREFIX}${name}`, [value]]])),
    ),
  };
}

function quoteAll(values: readonly string[]): string {
  return `[${values.map(goQuote).join(' ')}]`;
}
