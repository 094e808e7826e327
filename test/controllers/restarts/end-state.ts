/** Everything there is in a cluster, in a form that two runs can be compared by. */
import type { Client } from '../../../api/machinery/client.ts';
import type { KubeObject } from '../../../api/machinery/object-meta.ts';

/** Kinds that tell what happened, or when, and not how things are. */
const IGNORED = new Set(['events', 'leases', 'componentstatuses']);

/** Members that differ from run to run. */
const VOLATILE = new Set([
  'machineID',
  'images',
  'nodePort',
  'healthCheckNodePort',
  'containerID',
  'resourceVersion',
  'creationTimestamp',
  'managedFields',
  'generation',
]);

/** Lists that mean a set. */
const SETS = new Set([
  'endpoints',
  'addresses',
  'notReadyAddresses',
  'conditions',
  'finalizers',
  'ownerReferences',
  'images',
  'taints',
]);

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const ADDRESS = /\b(10|203)\.\d+\.\d+\.\d+\b/g;

/** One entry an object, sorted, each with its name by which no chance can be seen. */
export async function endState(client: Client): Promise<Record<string, unknown>> {
  const names = new Map<string, string>();
  const found: { readonly kind: string; readonly object: KubeObject }[] = [];
  for (const resource of client.resources(['list', 'watch'])) {
    if (IGNORED.has(resource.resource) || resource.group === 'metrics.k8s.io') continue;
    for (const object of (await client.list(resource)).items) {
      found.push({ kind: resource.resource, object });
      const { generateName, name, uid } = object.metadata;
      names.set(uid!, `uid of ${resource.resource} ${generateName ?? name}`);
      if (generateName !== undefined) names.set(name!, `${generateName}*`);
    }
  }
  const plain = (text: string): string => {
    let result = text;
    for (const [chance, name] of names) if (result.includes(chance)) result = result.replaceAll(chance, name);
    return result
      .replaceAll(TIME, 'TIME')
      .replaceAll(UUID, 'UID')
      .replaceAll(ADDRESS, 'ADDRESS')
      .replaceAll(/containerd:\/\/[0-9a-f]{64}/g, 'CONTAINER')
      .replaceAll(/csi-[0-9a-f]{64}/g, 'csi-*');
  };
  const entries = found.map(({ kind, object }) => {
    const value = normalise(object, plain);
    const { namespace, name } = object.metadata;
    return [plain([kind, namespace, name].filter((part) => part !== undefined).join(' ')), value] as const;
  });
  // Objects that only chance tells apart stand one behind the other.
  const sorted = entries
    .map(([key, value]) => ({ key, value, text: JSON.stringify(value) }))
    .sort((a, b) => compare(a.key, b.key) || compare(a.text, b.text));
  const result: Record<string, unknown> = {};
  for (const { key, value } of sorted) {
    let place = 1;
    while (Object.hasOwn(result, `${key} #${place}`)) place++;
    result[`${key} #${place}`] = value;
  }
  return result;
}

function normalise(object: KubeObject, plain: (text: string) => string): unknown {
  const { generation } = object.metadata;
  const walk = (value: unknown, member: string): unknown => {
    if (typeof value === 'string') return plain(value);
    if (Array.isArray(value)) {
      const items = value.map((item) => walk(item, ''));
      return SETS.has(member) ? items.sort((a, b) => compare(JSON.stringify(a), JSON.stringify(b))) : items;
    }
    if (typeof value !== 'object' || value === null) {
      if (member === 'observedGeneration') return value === generation ? 'current' : 'behind';
      return value;
    }
    const result: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      if (!VOLATILE.has(key)) result[plain(key)] = walk(inner, key);
    }
    return result;
  };
  return walk(object, '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where two states differ, one line each: `object path: this, not that`. */
export function differences(actual: unknown, expected: unknown, path = ''): string[] {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return [];
  if (!isTree(actual) || !isTree(expected)) {
    return [`${path}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`];
  }
  const members = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  return [...members].flatMap((member) =>
    differences(actual[member], expected[member], path === '' ? member : `${path}.${member}`),
  );
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
