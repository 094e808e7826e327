/** Objects that are written at a start as they stand, but for their identity. Made by generate.ts. */
import type { DefinitionSet } from '../../api/definition-set.ts';
import { formatTime, type Clock } from '../../api/machinery/clock.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { compareText } from '../../api/machinery/go-format.ts';
import { formatGroupResource } from '../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { randomUUID, type Random } from '../../api/machinery/random.ts';
import type { Store } from '../../storage/interface.ts';
import { resourceKey, resourceRange } from '../../storage/keys.ts';
import { decodeStored, encodeForm } from '../registry/stored-form.ts';
import prepared from './prepared.json' with { type: 'json' };

/** Objects by `plural.group`, with what differs from cluster to cluster left empty. */
export type Prepared = Readonly<Record<string, readonly UnknownObject[]>>;

export interface PreparedTarget {
  readonly store: Store;
  /** Name of the cluster in every key. */
  readonly cluster: string;
  readonly random: Random;
  readonly clock: Clock;
}

/** Writes what is missing, all at once. */
export async function writePrepared({ store, cluster, random, clock }: PreparedTarget): Promise<void> {
  const time = formatTime(clock.now());
  const writes: Promise<unknown>[] = [];
  for (const [name, objects] of Object.entries(prepared as Prepared)) {
    const dot = name.indexOf('.');
    const resource = { cluster, group: name.slice(dot + 1), resource: name.slice(0, dot) };
    for (const template of objects) {
      const { name: own = '', namespace } = template.metadata;
      const key = resourceKey({ ...resource, name: own, namespace });
      if (store.latest(key) !== undefined) continue;
      const object = withIdentity(template, randomUUID(random), time);
      writes.push(store.put(key, (revision) => encodeAt(object, revision), { expect: 'absent' }));
    }
  }
  await Promise.all(writes);
}

function encodeAt(object: UnknownObject, revision: number): ReturnType<typeof encodeForm> {
  object.metadata.resourceVersion = String(revision);
  return encodeForm(object, revision);
}

/** A copy with an identity; empty strings hold the places, so that the order of members stays. */
function withIdentity(template: UnknownObject, uid: string, time: string): UnknownObject {
  const object = structuredCopy(template);
  const { metadata } = object;
  metadata.uid = uid;
  metadata.creationTimestamp = time;
  for (const entry of metadata.managedFields ?? []) entry.time = time;
  return stampConditions(object, time);
}

function stampConditions(object: UnknownObject, time: string): UnknownObject {
  const { conditions = [] } = (object.status ?? {}) as { conditions?: { lastTransitionTime?: string }[] };
  for (const condition of conditions) condition.lastTransitionTime = time;
  return object;
}

/** Everything a store holds, ready to be written elsewhere. */
export function collectPrepared(store: Store, cluster: string, definitions: DefinitionSet): Prepared {
  const found = definitions.all().flatMap(({ group, names }) => {
    const { entries: values } = store.list(resourceRange({ cluster, group, resource: names.plural }));
    const objects = values.map((value) => {
      const object = withIdentity(decodeStored(value), '', '');
      object.metadata.resourceVersion = '';
      return object;
    });
    return objects.length === 0
      ? []
      : [[formatGroupResource({ group, resource: names.plural }), objects] as const];
  });
  return Object.fromEntries(found.sort(([a], [b]) => compareText(a, b)));
}

/** JSON with one object a line. */
export function formatPrepared(objects: Prepared): string {
  const parts = Object.entries(objects).map(
    ([name, items]) =>
      `${JSON.stringify(name)}: [\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]`,
  );
  return `{\n${parts.join(',\n')}\n}\n`;
}
