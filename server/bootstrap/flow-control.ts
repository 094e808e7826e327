/** Flow schemas and priority levels every cluster starts with. Mirrors apiserver apis/flowcontrol/bootstrap default.go. */
import {
  anyRequestOf,
  MANDATORY_FLOW_SCHEMAS,
  MANDATORY_PRIORITY_LEVELS,
} from '../../api/groups/flowcontrol/mandatory.ts';
import type { Client } from '../../api/machinery/client.ts';
import {
  flowSchemas,
  priorityLevelConfigurations,
  type FlowSchemaSpec,
  type PriorityLevelConfigurationSpec,
} from '../../openapi/generated/flowcontrol-v1.ts';
import { ensureAll } from './ensure.ts';

type Rules = NonNullable<FlowSchemaSpec['rules']>[number];

const ANNOTATIONS = { 'apf.kubernetes.io/autoupdate-spec': 'true' };

function limited(
  shares: number,
  lendablePercent: number,
  queues: number,
  handSize: number,
): PriorityLevelConfigurationSpec {
  return {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      lendablePercent,
      limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
    },
  };
}

const PRIORITY_LEVELS: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  ...MANDATORY_PRIORITY_LEVELS,
  system: limited(30, 33, 64, 6),
  'node-high': limited(40, 25, 64, 6),
  'leader-election': limited(10, 0, 16, 4),
  'workload-high': limited(40, 50, 128, 6),
  'workload-low': limited(100, 90, 128, 6),
  'global-default': limited(20, 50, 128, 6),
};

function schema(
  level: string,
  matchingPrecedence: number,
  distinguisher: 'ByUser' | 'ByNamespace' | undefined,
  rules: Rules,
): FlowSchemaSpec {
  return {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence,
    ...(distinguisher === undefined ? {} : { distinguisherMethod: { type: distinguisher } }),
    rules: [rules],
  };
}

const user = (name: string): Rules['subjects'][number] => ({ kind: 'User', user: { name } });
const SYSTEM_ACCOUNTS: Rules['subjects'][number] = {
  kind: 'ServiceAccount',
  serviceAccount: { namespace: 'kube-system', name: '*' },
};

function anyRequestBy(...subjects: Rules['subjects']): Rules {
  return { ...anyRequestOf(), subjects };
}

const LEASES = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] };

const FLOW_SCHEMAS: Readonly<Record<string, FlowSchemaSpec>> = {
  ...MANDATORY_FLOW_SCHEMAS,
  'system-nodes': schema('system', 500, 'ByUser', anyRequestOf('system:nodes')),
  'system-node-high': schema('node-high', 400, 'ByUser', {
    subjects: anyRequestOf('system:nodes').subjects,
    resourceRules: [
      {
        verbs: ['*'],
        apiGroups: [''],
        resources: ['nodes', 'nodes/status'],
        clusterScope: true,
        namespaces: ['*'],
      },
      { verbs: ['*'], ...LEASES },
    ],
  }),
  probes: schema('exempt', 2, undefined, {
    subjects: anyRequestOf('system:unauthenticated', 'system:authenticated').subjects,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  'system-leader-election': schema('leader-election', 100, 'ByUser', {
    subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler'), SYSTEM_ACCOUNTS],
    resourceRules: [{ verbs: ['get', 'create', 'update'], ...LEASES }],
  }),
  'kube-controller-manager': schema(
    'workload-high',
    800,
    'ByNamespace',
    anyRequestBy(user('system:kube-controller-manager')),
  ),
  'kube-scheduler': schema('workload-high', 800, 'ByNamespace', anyRequestBy(user('system:kube-scheduler'))),
  'kube-system-service-accounts': schema('workload-high', 900, 'ByNamespace', anyRequestBy(SYSTEM_ACCOUNTS)),
  'service-accounts': schema('workload-low', 9000, 'ByUser', anyRequestOf('system:serviceaccounts')),
  'global-default': schema(
    'global-default',
    9900,
    'ByUser',
    anyRequestOf('system:unauthenticated', 'system:authenticated'),
  ),
};

export async function ensureFlowControl(client: Client): Promise<void> {
  const build = <S>(
    specs: Readonly<Record<string, S>>,
  ): { metadata: { name: string; annotations: Record<string, string> }; spec: S }[] =>
    Object.entries(specs).map(([name, spec]) => ({
      metadata: { name, annotations: { ...ANNOTATIONS } },
      spec,
    }));
  await Promise.all([
    ensureAll(client, priorityLevelConfigurations, build(PRIORITY_LEVELS)),
    ensureAll(client, flowSchemas, build(FLOW_SCHEMAS)),
  ]);
}
