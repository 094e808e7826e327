/**
 * Lets nodes have client certificates of their own approved, and machines that are about to join those of any node: what
 * kubeadm binds to the groups system:nodes and system:bootstrappers.
 */
import type { AuthorizationAttributes, Authorizer } from './authorizer.ts';

const BOOTSTRAPPERS = 'system:bootstrappers';

export const nodeRequests: Authorizer = {
  authorize: (attributes) => ({ decision: isAllowed(attributes) ? 'allow' : 'no-opinion' }),
};

function isAllowed({
  user,
  isResourceRequest,
  verb,
  apiGroup,
  resource,
  subresource,
}: AuthorizationAttributes): boolean {
  const isCreation = isResourceRequest && verb === 'create' && apiGroup === 'certificates.k8s.io';
  if (!isCreation || resource !== 'certificatesigningrequests') return false;
  if (subresource === 'selfnodeclient') return user.groups.includes('system:nodes');
  if (subresource !== 'nodeclient') return false;
  return user.groups.some((group) => group === BOOTSTRAPPERS || group.startsWith(`${BOOTSTRAPPERS}:`));
}
