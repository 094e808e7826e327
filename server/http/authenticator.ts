/** Who a request is from. */
import { newUnauthorized } from '../../api/machinery/errors.ts';
import type { UserInfo } from '../registry/interface.ts';
import type { RequestEnvironment } from './request.ts';

export interface AuthenticationOptions {
  /** Static bearer tokens and whom they stand for. */
  readonly tokens?: ReadonlyMap<string, UserInfo>;
  /** Requests without credentials are system:anonymous instead of refused. Default false. */
  readonly anonymous?: boolean;
}

/** Answers the user, or throws 401: credentials that are wrong are never overlooked. */
export type Authenticator = (authorization: string | undefined, environment: RequestEnvironment) => UserInfo;

const AUTHENTICATED = 'system:authenticated';

export function createAuthenticator({ tokens = new Map(), anonymous = false }: AuthenticationOptions): Authenticator {
  return (authorization, environment) => {
    if (environment.peerRejected === true) throw newUnauthorized();
    if (environment.peer !== undefined) {
      return { name: environment.peer.commonName, groups: [...environment.peer.organizations, AUTHENTICATED] };
    }
    const token = /^Bearer +(\S+)\s*$/i.exec(authorization ?? '')?.[1];
    if (token !== undefined) {
      const user = tokens.get(token);
      if (user === undefined) throw newUnauthorized();
      return { ...user, groups: [...user.groups, AUTHENTICATED] };
    }
    if (anonymous) return { name: 'system:anonymous', groups: ['system:unauthenticated'] };
    throw newUnauthorized();
  };
}
