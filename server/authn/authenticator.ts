/** Who a request is from, by certificate, by token, or nobody. Mirrors apiserver authentication/request. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ClientCertificate, RequestEnvironment } from '../exchange.ts';
import type { UserInfo } from '../registry/interface.ts';

/** An answer about credentials: a user, `invalid` when they are wrong, undefined when there are none of this sort. */
export type Verdict = UserInfo | 'invalid' | undefined;

export interface Authenticator {
  /** The user, or undefined when the request is to be refused with 401. */
  authenticate(
    headers: Headers,
    environment: RequestEnvironment,
  ): UserInfo | undefined | Promise<UserInfo | undefined>;
}

/** A way to check bearer tokens; more than one may be given. */
export interface TokenAuthenticator {
  /** The user of a token it knows; undefined for one it does not. */
  authenticate(token: string): UserInfo | undefined | Promise<UserInfo | undefined>;
}

export interface StaticToken {
  readonly token: string;
  readonly user: UserInfo;
}

export interface AuthenticationOptions {
  /** Bearer tokens known from the start. */
  readonly tokens?: readonly StaticToken[];
  /** Asked in order for tokens that are not among `tokens`. */
  readonly tokenAuthenticators?: readonly TokenAuthenticator[];
  /** Requests without credentials are `system:anonymous` instead of refused. Default false. */
  readonly anonymous?: boolean;
}

export const ANONYMOUS: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const AUTHENTICATED_GROUP = 'system:authenticated';

/**
 * Certificates are looked at first, then tokens; the first that proves who it is counts. Credentials that prove nothing
 * refuse the request even when anonymous ones are welcome.
 */
export function createAuthenticator(options: AuthenticationOptions = {}): Authenticator {
  const tokens = [staticTokens(options.tokens ?? []), ...(options.tokenAuthenticators ?? [])];
  return {
    authenticate: async (headers, environment) => {
      const certified = certificateVerdict(environment.clientCertificate);
      if (certified !== undefined && certified !== 'invalid') return authenticated(certified);
      const bearer = await tokenVerdict(tokens, headers.get('authorization'));
      if (bearer !== undefined && bearer !== 'invalid') return authenticated(bearer);
      if (certified === 'invalid' || bearer === 'invalid') return undefined;
      return options.anonymous === true ? ANONYMOUS : undefined;
    },
  };
}

/** The common name is the user, the organizations are the groups. */
export function certificateVerdict(certificate: ClientCertificate | undefined): Verdict {
  if (certificate === undefined) return undefined;
  if (!certificate.verified || certificate.commonName === '') return 'invalid';
  return {
    name: certificate.commonName,
    groups: certificate.organizations,
    ...(certificate.uid === undefined ? {} : { uid: certificate.uid }),
  };
}

async function tokenVerdict(
  authenticators: readonly TokenAuthenticator[],
  header: string | null,
): Promise<Verdict> {
  const token = bearerToken(header);
  if (token === undefined) return undefined;
  for (const authenticator of authenticators) {
    const user = await authenticator.authenticate(token);
    if (user !== undefined) return user;
  }
  return 'invalid';
}

/** The token of an Authorization header; undefined when it holds none. */
export function bearerToken(header: string | null): string | undefined {
  if (header === null) return undefined;
  const [scheme = '', token = ''] = header.trim().split(/ +/, 2);
  return scheme.toLowerCase() === 'bearer' && token !== '' ? token : undefined;
}

function staticTokens(tokens: readonly StaticToken[]): TokenAuthenticator {
  const known = tokens.map(({ token, user }) => ({ digest: digestOf(token), user }));
  return {
    authenticate: (token) => {
      const digest = digestOf(token);
      return known.find((candidate) => timingSafeEqual(candidate.digest, digest))?.user;
    },
  };
}

/** Equal lengths make the comparison take the same time whatever the token is. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function authenticated(user: UserInfo): UserInfo {
  if (user.groups.includes(AUTHENTICATED_GROUP)) return user;
  return { ...user, groups: [...user.groups, AUTHENTICATED_GROUP] };
}
