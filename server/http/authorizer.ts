/** Whether a user may do something. Role-based access control will be one more authorizer in the list. */
import type { UserInfo } from '../registry/interface.ts';
import type { RequestInfo } from './request.ts';

export type Decision = 'allow' | 'deny' | 'no-opinion';

export interface Authorizer {
  authorize(user: UserInfo, info: RequestInfo): Decision;
}

/** Members of system:masters may do everything. */
export const privilegedGroup: Authorizer = {
  authorize: (user) => (user.groups.includes('system:masters') ? 'allow' : 'no-opinion'),
};

/** The first that allows or denies decides; nobody having an opinion is a denial. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize: (user, info) => {
      for (const authorizer of authorizers) {
        const decision = authorizer.authorize(user, info);
        if (decision !== 'no-opinion') return decision;
      }
      return 'deny';
    },
  };
}

/** Upstream's words for a denial, behind `... is forbidden: `. */
export function denialText(user: UserInfo, info: RequestInfo): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${info.verb}`;
  if (!info.isResourceRequest) return `${who} path ${JSON.stringify(info.path)}`;
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  const where = info.namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(info.namespace)}`;
  return `${who} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(info.group)} ${where}`;
}
