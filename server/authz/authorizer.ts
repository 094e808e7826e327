/** Whether a user may do something. Role-based access control is one more authorizer in the list. */
import type { UserInfo } from '../registry/interface.ts';

/** What is to be done, by whom. Mirrors apiserver authorizer.Attributes. */
export interface AuthorizationAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly isResourceRequest: boolean;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  readonly path: string;
}

export interface Decision {
  readonly decision: 'allow' | 'deny' | 'no-opinion';
  /** Told to the client behind the refusal. */
  readonly reason?: string;
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision>;
}

/** Members of the group may do everything. */
export function privilegedGroup(group = 'system:masters'): Authorizer {
  return {
    authorize: ({ user }) => ({ decision: user.groups.includes(group) ? 'allow' : 'no-opinion' }),
  };
}

/** Named users may do everything. */
export function privilegedUsers(names: readonly string[]): Authorizer {
  return {
    authorize: ({ user }) => ({ decision: names.includes(user.name) ? 'allow' : 'no-opinion' }),
  };
}

/** Everybody may do everything. */
export const alwaysAllow: Authorizer = { authorize: () => ({ decision: 'allow' }) };

/** The first that has an opinion decides; reasons of those that have none are joined. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize: async (attributes) => {
      const reasons: string[] = [];
      for (const authorizer of authorizers) {
        const answer = await authorizer.authorize(attributes);
        if (answer.reason !== undefined && answer.reason !== '') reasons.push(answer.reason);
        if (answer.decision !== 'no-opinion')
          return { decision: answer.decision, reason: reasons.join('\n') };
      }
      return { decision: 'no-opinion', reason: reasons.join('\n') };
    },
  };
}
