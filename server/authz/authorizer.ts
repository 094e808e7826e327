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

/** What a user may do, as SelfSubjectRulesReview tells it. */
export interface UserRules {
  readonly resourceRules: readonly {
    readonly verbs: readonly string[];
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
  }[];
  readonly nonResourceRules: readonly {
    readonly verbs: readonly string[];
    readonly nonResourceURLs: readonly string[];
  }[];
  /** Some of the rules could not be told. */
  readonly incomplete: boolean;
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision>;
  /** The rules in a namespace; absent where they cannot be listed. */
  rulesOf?(user: UserInfo, namespace: string): UserRules | Promise<UserRules>;
}

const NOTHING: UserRules = { resourceRules: [], nonResourceRules: [], incomplete: false };
const UNTOLD: UserRules = { ...NOTHING, incomplete: true };
const EVERYTHING: UserRules = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
};

/** Members of the group may do everything. */
export function privilegedGroup(group = 'system:masters'): Authorizer {
  return {
    authorize: ({ user }) => ({ decision: user.groups.includes(group) ? 'allow' : 'no-opinion' }),
    rulesOf: (user) => (user.groups.includes(group) ? EVERYTHING : NOTHING),
  };
}

/** The first that has an opinion decides; reasons of those that have none are joined. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  /** Asks those from `index` on; at once as long as they answer at once. */
  const ask = (
    attributes: AuthorizationAttributes,
    index: number,
    before: string,
  ): Decision | Promise<Decision> => {
    const authorizer = authorizers[index];
    if (authorizer === undefined) return { decision: 'no-opinion', reason: before };
    const hear = (answer: Decision): Decision | Promise<Decision> => {
      const reason = [before, answer.reason ?? ''].filter((text) => text !== '').join('\n');
      return answer.decision === 'no-opinion'
        ? ask(attributes, index + 1, reason)
        : { decision: answer.decision, reason };
    };
    const answer = authorizer.authorize(attributes);
    return answer instanceof Promise ? answer.then(hear) : hear(answer);
  };
  return {
    authorize: (attributes) => ask(attributes, 0, ''),
    rulesOf: async (user, namespace) => {
      const all = await Promise.all(
        authorizers.map(async (authorizer) => (await authorizer.rulesOf?.(user, namespace)) ?? UNTOLD),
      );
      return {
        resourceRules: all.flatMap(({ resourceRules }) => resourceRules),
        nonResourceRules: all.flatMap(({ nonResourceRules }) => nonResourceRules),
        incomplete: all.some(({ incomplete }) => incomplete),
      };
    },
  };
}
