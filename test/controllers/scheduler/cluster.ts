/** A scheduler with nodes and pods to try it on. */
import type { Client } from '../../../api/machinery/client.ts';
import { isAlreadyExists } from '../../../api/machinery/errors.ts';
import { priorityClasses } from '../../../openapi/generated/scheduling-v1.ts';
import type { ControllerDefinition } from '../../../controllers/runtime/controller.ts';
import { schedulerController } from '../../../controllers/scheduler/scheduler.ts';
import { events, nodes, pods, type Node, type Pod } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

export interface SchedulerHarness extends Harness {
  node(name: string, change?: Partial<NodeShape>): Promise<Node>;
  pod(name: string, change?: PodShape): Promise<Pod>;
  /** Name of the pod's node; '' when it has none. */
  placeOf(name: string): Promise<string>;
  /** Message of the PodScheduled condition. */
  problemOf(name: string): Promise<string | undefined>;
}

export interface NodeShape {
  readonly cpu: string;
  readonly memory: string;
  readonly pods: string;
  readonly labels: Record<string, string>;
  readonly spec: Partial<Node['spec']>;
  readonly images: Node['status']['images'];
  readonly more: Record<string, string>;
}

export type PodShape = Partial<Pod['spec']> & {
  readonly cpu?: string;
  readonly memory?: string;
  readonly labels?: Record<string, string>;
  readonly more?: Record<string, string>;
  readonly hostPort?: number;
};

export async function startSchedulerHarness(
  controllers: readonly ControllerDefinition[] = [],
  scheduler = schedulerController,
): Promise<SchedulerHarness> {
  const harness = await startHarness([scheduler, ...controllers]);
  return {
    ...harness,
    node: (name, change = {}) => createNode(harness, name, change),
    pod: async (name, change = {}) => {
      const pod = await createPod(harness, name, change);
      await harness.settle();
      return pod;
    },
    placeOf: async (name) => (await harness.get(pods, name)).spec.nodeName ?? '',
    problemOf: async (name) =>
      (await harness.get(pods, name)).status.conditions?.find(
        ({ type, status }) => type === 'PodScheduled' && status === 'False',
      )?.message,
  };
}

async function createNode(
  { client, settle }: Harness,
  name: string,
  {
    cpu = '4',
    memory = '8Gi',
    pods: podsMax = '110',
    labels = {},
    spec = {},
    images = [],
    more = {},
  }: Partial<NodeShape>,
): Promise<Node> {
  const created = await client.create(nodes, {
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name, ...labels },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec,
  });
  // Without the taint that admission gives to nodes not heard of yet.
  const node = await client.update(nodes, { ...created, spec });
  const capacity = { cpu, memory, pods: podsMax, ...more };
  const status = { ...node.status, capacity, allocatable: capacity, images };
  const posted = await client.update(nodes, { ...node, status }, { subresource: 'status' });
  await settle();
  return posted;
}

async function createPod(
  { client }: Harness,
  name: string,
  { cpu, memory, labels, more, hostPort, ...spec }: PodShape,
): Promise<Pod> {
  const requests = {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...more,
  };
  const { priority, preemptionPolicy, ...rest } = spec;
  const priorityClassName =
    priority === undefined ? undefined : await priorityClass(client, priority, preemptionPolicy);
  return client.create(pods, {
    metadata: { name, namespace: NAMESPACE, ...(labels === undefined ? {} : { labels }) },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'app:1',
          resources: { requests, ...(more === undefined ? {} : { limits: more }) },
          ...(hostPort === undefined ? {} : { ports: [{ containerPort: hostPort, hostPort }] }),
        },
      ],
      ...rest,
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
    },
  } as Parameters<typeof client.create<Pod>>[1]);
}

/** A class of that priority, made when it is not there. */
async function priorityClass(client: Client, value: number, preemptionPolicy?: string): Promise<string> {
  const name = `p${value}${preemptionPolicy ?? ''}`.toLowerCase().replace('-', 'minus');
  await client
    .create(priorityClasses, { metadata: { name }, value, preemptionPolicy })
    .catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  return name;
}

/** The node of every pod by the pod's name. */
export async function placement({ client }: Harness): Promise<Record<string, string>> {
  const { items } = await client.list(pods, { namespace: NAMESPACE });
  return Object.fromEntries(items.map(({ metadata, spec }) => [metadata.name!, spec.nodeName ?? '']));
}

export async function eventsOf({ client }: Harness, reason: string): Promise<string[]> {
  const { items } = await client.list(events, { namespace: NAMESPACE });
  return items.filter((event) => event.reason === reason).map(({ message }) => message ?? '');
}
