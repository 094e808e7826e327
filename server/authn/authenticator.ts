/** Who a request is from, by certificate, by token, or nobody. Mirrors apiserver authentication/request. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { parseProtocols } from './bearer-protocol.ts';
import type { ClientCertificate, RequestEnvironment } from '../exchange.ts';
import type { UserInfo } from '../registry/interface.ts';

/** An answer about credentials: a user, `invalid` when they are wrong, undefined when there are none of this sort. */
type Verdict = UserInfo | 'invalid' | undefined;

export interface Authenticator {
  /** The user, or undefined when the request is to be refused with 401. */
  authenticate(
    headers: Headers,
    environment: RequestEnvironment,
  ): UserInfo | undefined | Promise<UserInfo | undefined>;
  /** Whose a token is, for somebody else who was shown it. Without `audiences`: those of the API server. */
  review(token: string, audiences: readonly string[]): Promise<TokenVerdict>;
}

/** What is known of a token: whose it is and which of the audiences asked for it is meant for, or what is wrong with it. */
export type TokenVerdict =
  | { readonly user: UserInfo; readonly audiences: readonly string[] }
  | { readonly error: string };

/** A way to check bearer tokens; more than one may be given. */
export interface TokenAuthenticator {
  /** Undefined for a token that is none of its own. */
  authenticate(
    token: string,
    audiences: readonly string[],
  ): TokenVerdict | undefined | Promise<TokenVerdict | undefined>;
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

/** Issuer of the tokens of service accounts. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local';
/** Audiences of the API server itself, which a token is for when nobody says otherwise. */
export const API_AUDIENCES: readonly string[] = [ISSUER];
const UNKNOWN_TOKEN: TokenVerdict = { error: 'invalid bearer token' };
const ANONYMOUS: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const AUTHENTICATED_GROUP = 'system:authenticated';

/**
 * Certificates are looked at first, then tokens; the first that proves who it is counts. Credentials that prove nothing
 * refuse the request even when anonymous ones are welcome.
 */
export function createAuthenticator(options: AuthenticationOptions = {}): Authenticator {
  const tokens = [staticTokens(options.tokens ?? []), ...(options.tokenAuthenticators ?? [])];
  const byToken = async (
    token: string | false | undefined,
    certified: 'invalid' | undefined,
  ): Promise<UserInfo | undefined> => {
    const bearer = token === false ? 'invalid' : await tokenVerdict(tokens, token);
    if (bearer !== undefined && bearer !== 'invalid') return authenticated(bearer);
    if (certified === 'invalid' || bearer === 'invalid') return undefined;
    return options.anonymous === true ? ANONYMOUS : undefined;
  };
  return {
    authenticate: (headers, environment) => {
      const certified = certificateVerdict(environment.clientCertificate);
      return certified !== undefined && certified !== 'invalid'
        ? authenticated(certified)
        : byToken(tokenOf(headers, environment), certified);
    },
    review: async (token, audiences) => {
      const verdict = await askAll(tokens, token, audiences.length === 0 ? API_AUDIENCES : audiences);
      return 'error' in verdict ? verdict : { ...verdict, user: authenticated(verdict.user) };
    },
  };
}

/** The common name is the user, the organizations are the groups. */
function certificateVerdict(certificate: ClientCertificate | undefined): Verdict {
  if (certificate === undefined) return undefined;
  if (!certificate.verified || certificate.commonName === '') return 'invalid';
  return {
    name: certificate.commonName,
    groups: certificate.organizations,
    ...(certificate.uid === undefined ? {} : { uid: certificate.uid }),
  };
}

/** The token of a request, from where the client could put it. */
function tokenOf(headers: Headers, { webSocket }: RequestEnvironment): string | false | undefined {
  const token = bearerToken(headers.get('authorization'));
  if (token !== undefined || webSocket === undefined) return token;
  return parseProtocols(headers.get('sec-websocket-protocol')).token;
}

async function tokenVerdict(
  authenticators: readonly TokenAuthenticator[],
  token: string | undefined,
): Promise<Verdict> {
  if (token === undefined) return undefined;
  const verdict = await askAll(authenticators, token, API_AUDIENCES);
  return 'error' in verdict ? 'invalid' : verdict.user;
}

/** The first that knows the token answers. */
async function askAll(
  authenticators: readonly TokenAuthenticator[],
  token: string,
  audiences: readonly string[],
): Promise<TokenVerdict> {
  for (const authenticator of authenticators) {
    const verdict = await authenticator.authenticate(token, audiences);
    if (verdict !== undefined) return verdict;
  }
  return UNKNOWN_TOKEN;
}

/** The token of an Authorization header; undefined when it holds none. */
function bearerToken(header: string | null): string | undefined {
  if (header === null) return undefined;
  const [scheme = '', token = ''] = header.trim().split(/ +/, 2);
  return scheme.toLowerCase() === 'bearer' && token !== '' ? token : undefined;
}

function staticTokens(tokens: readonly StaticToken[]): TokenAuthenticator {
  const known = tokens.map(({ token, user }) => ({ digest: digestOf(token), user }));
  return {
    authenticate: (token, audiences) => {
      const digest = digestOf(token);
      const user = known.find((candidate) => timingSafeEqual(candidate.digest, digest))?.user;
      const common = API_AUDIENCES.filter((audience) => audiences.includes(audience));
      return user === undefined || common.length === 0 ? undefined : { user, audiences: common };
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
