/** An APIService for every group version the server has itself. Mirrors kube-apiserver app/aggregator.go. */
import type { DefinitionSet } from '../../api/definition-set.ts';
import type { Client } from '../../api/machinery/client.ts';
import { apiServices } from '../../openapi/generated/apiregistration-v1.ts';
import { ensureAll } from './ensure.ts';

/** Priority of a group; discovery lists groups by it. */
const GROUP_PRIORITIES: Readonly<Record<string, number>> = {
  '': 18000,
  apps: 17800,
  'events.k8s.io': 17750,
  'authentication.k8s.io': 17700,
  'authorization.k8s.io': 17600,
  autoscaling: 17500,
  batch: 17400,
  'certificates.k8s.io': 17300,
  'networking.k8s.io': 17200,
  policy: 17100,
  'rbac.authorization.k8s.io': 17000,
  'storage.k8s.io': 16800,
  'apiextensions.k8s.io': 16700,
  'admissionregistration.k8s.io': 16700,
  'scheduling.k8s.io': 16600,
  'coordination.k8s.io': 16500,
  'node.k8s.io': 16300,
  'discovery.k8s.io': 16200,
  'resource.k8s.io': 16200,
  'flowcontrol.apiserver.k8s.io': 16100,
};
const VERSION_PRIORITY = 15;
const VERSION_PRIORITIES: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'resource.k8s.io/v1': 21,
};
/** The aggregator serves this group itself, and registers no service for it. */
const OWN_GROUP = 'apiregistration.k8s.io';

export async function ensureAPIServices(client: Client, definitions: DefinitionSet): Promise<void> {
  const services = definitions.groups().flatMap(({ name: group, versions }) => {
    const groupPriorityMinimum = GROUP_PRIORITIES[group];
    if (group === OWN_GROUP || groupPriorityMinimum === undefined) return [];
    return versions.map((version) => ({
      metadata: {
        name: `${version}.${group}`,
        labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' },
      },
      spec: {
        group,
        version,
        groupPriorityMinimum,
        versionPriority: VERSION_PRIORITIES[`${group}/${version}`] ?? VERSION_PRIORITY,
      },
    }));
  });
  await ensureAll(client, apiServices, services);
}
