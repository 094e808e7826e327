/** Creates the objects of a scenario through any client, statuses included. */
import type { Client, ResourceType } from '../../../api/machinery/client.ts';
import { nodes, persistentVolumeClaims, persistentVolumes, pods, services, namespaces } from '../../../openapi/generated/core-v1.ts';
import { podDisruptionBudgets } from '../../../openapi/generated/policy-v1.ts';
import { priorityClasses } from '../../../openapi/generated/scheduling-v1.ts';
import { storageClasses } from '../../../openapi/generated/storage-v1.ts';
import type { KubeObject } from '../../../api/machinery/object-meta.ts';
import type { ScenarioObject } from './scenarios.ts';

type AnyType = ResourceType<KubeObject>;

const TYPES: Readonly<Record<string, AnyType>> = {
  Namespace: namespaces,
  Node: nodes,
  PersistentVolume: persistentVolumes,
  PersistentVolumeClaim: persistentVolumeClaims,
  Pod: pods,
  PodDisruptionBudget: podDisruptionBudgets,
  PriorityClass: priorityClasses,
  Service: services,
  StorageClass: storageClasses,
} as unknown as Readonly<Record<string, AnyType>>;

function typeOf({ kind }: ScenarioObject): AnyType {
  return TYPES[kind]!;
}

export async function createObject(client: Client, object: ScenarioObject): Promise<void> {
  const type = typeOf(object);
  let created: KubeObject = await client.create(type, object as never);
  // Admission adds a taint that a kubelet takes away.
  if (object.kind === 'Node')
    created = await client.update(type, { ...created, spec: object['spec'] } as never);
  const { status } = object;
  if (status === undefined) return;
  await client.update(type, { ...created, status } as never, { subresource: 'status' });
}
