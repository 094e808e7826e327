import type { GroupBehaviours } from '../../definition.ts';
import { clusterRoleBinding, roleBinding } from './bindings.ts';
import { clusterRole, role } from './roles.ts';

/** Behaviours of the group rbac.authorization.k8s.io by plural name. */
export const rbacBehaviours: GroupBehaviours = {
  clusterrolebindings: clusterRoleBinding,
  clusterroles: clusterRole,
  rolebindings: roleBinding,
  roles: role,
};
