/** Creating what is missing, all at once. */
import type { Client, Draft, ResourceType } from '../../api/machinery/client.ts';
import { isAlreadyExists, isNotFound } from '../../api/machinery/errors.ts';
import { keyOf, type KubeObject } from '../../api/machinery/object-meta.ts';

/** Looks before it creates: creating a service again would meet its own address. */
export async function ensure<T extends KubeObject>(
  client: Client,
  resource: ResourceType<T>,
  object: Draft<T>,
): Promise<void> {
  const { name, namespace } = object.metadata;
  try {
    await client.get(resource, { name: name!, namespace });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(resource, object);
  }
}

/** Creates those of the objects that are missing, at the same time. What is there already is somebody's to change. */
export async function ensureAll<T extends KubeObject>(
  client: Client,
  resource: ResourceType<T>,
  objects: readonly Draft<T>[],
): Promise<void> {
  const { items } = await client.list(resource, {});
  const known = new Set(items.map(keyOf));
  const missing = objects.filter((object) => !known.has(keyOf(object as KubeObject)));
  await Promise.all(
    missing.map((object) =>
      client.create(resource, object).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      }),
    ),
  );
}
