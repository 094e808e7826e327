/** Builds the objects of the bootstrap policy. Mirrors registry/rbac/rest storage_rbac.go PolicyData. */
import type { Client, Draft } from '../../api/machinery/client.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
  type ClusterRole,
  type ClusterRoleBinding,
  type PolicyRule,
  type RoleBinding,
  type Subject,
} from '../../openapi/generated/rbac-v1.ts';
import { CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS, ROLES } from './bindings.ts';
import { AGGREGATED_ROLES, CLUSTER_ROLES } from './cluster-roles.ts';
import { CONTROLLER_ROLES } from './controller-roles.ts';
import { ensureAll } from './ensure.ts';

const GROUP = 'rbac.authorization.k8s.io';
const AGGREGATE = `${GROUP}/aggregate-to-`;
const CONTROLLER = 'system:controller:';
/** Roles that collect the rules of others, each from the one before it too. */
const COLLECTING = ['view', 'edit', 'admin'];

function metadata(
  name: string,
  namespace?: string,
  labels: Record<string, string> = {},
): ClusterRole['metadata'] {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  };
}

/** Reads `verbs: resources in groups named names` or `verbs: URLs`. */
export function parseRule(text: string): PolicyRule {
  const [verbs = '', rest = ''] = text.split(': ');
  const words = (part: string): string[] => part.split(' ');
  const [resources = '', scope] = rest.split(' in ');
  if (scope === undefined) return { verbs: words(verbs), nonResourceURLs: words(resources) };
  const [groups = '', names] = scope.split(' named ');
  return {
    verbs: words(verbs),
    apiGroups: words(groups).map((group) => (group === 'core' ? '' : group)),
    resources: words(resources),
    ...(names === undefined ? {} : { resourceNames: words(names) }),
  };
}

/** Reads `User name`, `Group name` or `ServiceAccount namespace/name`. */
function parseSubject(text: string): Subject {
  const [kind = '', name = ''] = text.split(' ');
  if (kind !== 'ServiceAccount') return { kind, apiGroup: GROUP, name };
  const [namespace, account = ''] = name.split('/');
  return { kind, name: account, namespace };
}

function binding(
  name: string,
  kind: 'Role' | 'ClusterRole',
  { role = name, subjects }: { readonly role?: string; readonly subjects: readonly string[] },
  namespace?: string,
): Draft<RoleBinding & ClusterRoleBinding> {
  return {
    metadata: metadata(name, namespace),
    subjects: subjects.map(parseSubject),
    roleRef: { apiGroup: GROUP, kind, name: role },
  };
}

/** Every cluster role, those that collect rules with what they collect. */
export function bootstrapClusterRoles(): Draft<ClusterRole>[] {
  const plain = Object.entries(CLUSTER_ROLES).map(([name, rules]) => ({
    metadata: metadata(name),
    rules: rules.map(parseRule),
  }));
  const controllers = Object.entries(CONTROLLER_ROLES).map(([name, rules]) => ({
    metadata: metadata(`${CONTROLLER}${name}`),
    rules: rules.map(parseRule),
  }));
  const aggregated = Object.entries(AGGREGATED_ROLES).map(([name, { into, rules }]) => ({
    metadata: metadata(name, undefined, { [`${AGGREGATE}${into}`]: 'true' }),
    rules: rules.map(parseRule),
  }));
  return [...plain, ...controllers, ...aggregated, ...collectingRoles()];
}

function collectingRoles(): Draft<ClusterRole>[] {
  const collected: PolicyRule[] = [];
  return COLLECTING.map((name, index) => {
    const own = Object.values(AGGREGATED_ROLES).filter(({ into }) => into === name);
    collected.push(...own.flatMap(({ rules }) => rules.map(parseRule)));
    const next = COLLECTING[index + 1];
    const labels = next === undefined ? {} : { [`${AGGREGATE}${next}`]: 'true' };
    return {
      metadata: metadata(name, undefined, labels),
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${AGGREGATE}${name}`]: 'true' } }] },
      rules: [...collected],
    };
  });
}

function bootstrapClusterRoleBindings(): Draft<ClusterRoleBinding>[] {
  const controllers = Object.keys(CONTROLLER_ROLES).map((name) =>
    binding(`${CONTROLLER}${name}`, 'ClusterRole', { subjects: [`ServiceAccount kube-system/${name}`] }),
  );
  const others = Object.entries(CLUSTER_ROLE_BINDINGS).map(([name, facts]) =>
    binding(name, 'ClusterRole', facts),
  );
  return [...others, ...controllers];
}

/** Entries of facts by namespace and name. */
function byNamespace<T, R>(
  facts: Readonly<Record<string, Readonly<Record<string, T>>>>,
  build: (namespace: string, name: string, fact: T) => R,
): R[] {
  return Object.entries(facts).flatMap(([namespace, named]) =>
    Object.entries(named).map(([name, fact]) => build(namespace, name, fact)),
  );
}

export async function ensurePolicy(client: Client): Promise<void> {
  await Promise.all([
    ensureAll(client, clusterRoles, bootstrapClusterRoles()),
    ensureAll(client, clusterRoleBindings, bootstrapClusterRoleBindings()),
    ensureAll(
      client,
      roles,
      byNamespace(ROLES, (namespace, name, rules) => ({
        metadata: metadata(name, namespace),
        rules: rules.map(parseRule),
      })),
    ),
    ensureAll(
      client,
      roleBindings,
      byNamespace(ROLE_BINDINGS, (namespace, name, facts) => binding(name, 'Role', facts, namespace)),
    ),
  ]);
}
