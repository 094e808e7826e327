import { beforeEach, describe, expect, it } from 'vitest';
import type { Client, ResourceType } from '../../../api/machinery/client.ts';
import { VirtualClock } from '../../../api/machinery/clock.ts';
import { createLogger } from '../../../api/machinery/logger.ts';
import type { KubeObject } from '../../../api/machinery/object-meta.ts';
import { TaskTracker } from '../../../api/machinery/tasks.ts';
import type { Informer } from '../../../controllers/runtime/controller.ts';
import { OwnWrites } from '../../../controllers/runtime/own-writes.ts';
import { createReconciler } from '../../../controllers/runtime/reconciler.ts';
import { replicaSets } from '../../../openapi/generated/apps-v1.ts';
import { pods } from '../../../openapi/generated/core-v1.ts';

/** Up to where each cache has seen everything. */
let seen: Record<string, number>;
/** What the next write answers. */
let answer: KubeObject;
let writes: OwnWrites;

beforeEach(() => {
  seen = { pods: 10, replicasets: 10 };
  const client = {
    create: () => Promise.resolve(answer),
    update: () => Promise.resolve(answer),
    patch: () => Promise.resolve(answer),
    as: () => client,
  } as unknown as Client;
  const informer = <T extends KubeObject>({ resource }: ResourceType<T>): Informer<T> =>
    ({ hasSeen: (version: string) => Number(version) <= seen[resource]! }) as Informer<T>;
  writes = new OwnWrites({ client, informer }, replicaSets, [pods]);
});

function pod(resourceVersion: string, owner = 'web', kind = 'ReplicaSet'): KubeObject {
  const reference = { apiVersion: 'apps/v1', kind, name: owner, uid: 'u', controller: true };
  return { metadata: { name: 'p', namespace: 'ns', resourceVersion, ownerReferences: [reference] } };
}

async function write(resource: ResourceType<KubeObject>, object: KubeObject): Promise<void> {
  answer = object;
  await writes.client.as('other').update(resource, object);
}

describe('an owner', () => {
  it('is unseen until the cache has what was written for it', async () => {
    await write(pods, pod('11'));
    await write(pods, pod('13'));
    await write(pods, pod('12'));
    expect(writes.isUnseen('ns/web')).toBe(true);
    seen['pods'] = 12;
    expect(writes.isUnseen('ns/web')).toBe(true);
    seen['pods'] = 13;
    expect(writes.isUnseen('ns/web')).toBe(false);
  });

  it('is unseen while a write of its own is not in the cache', async () => {
    await write(replicaSets, { metadata: { name: 'web', namespace: 'ns', resourceVersion: '11' } });
    expect(writes.isUnseen('ns/web')).toBe(true);
    seen['replicasets'] = 11;
    expect(writes.isUnseen('ns/web')).toBe(false);
  });

  it.each([
    { name: 'the cache was as fast as the answer', object: pod('10') },
    { name: 'it was written for another', object: pod('11', 'else') },
    { name: 'the owner is of another kind', object: pod('11', 'web', 'Job') },
  ])('is seen when $name', async ({ object }) => {
    await write(pods, object);
    expect(writes.isUnseen('ns/web')).toBe(false);
  });
});

it('a reconciler comes back to a key when the caches have caught up', async () => {
  const clock = new VirtualClock();
  const tasks = new TaskTracker();
  const logger = createLogger({ level: 'silent', write: () => {}, now: () => 0 });
  let looks = 0;
  const reconcile = (): Promise<void> => Promise.resolve(void looks++);
  const reconciler = createReconciler({
    name: 'test',
    context: { clock, tasks, logger },
    workers: 1,
    reconcile,
    ownWrites: writes,
  });
  reconciler.start?.();
  await write(pods, pod('11'));
  reconciler.queue.add('ns/web');
  await clock.advance(20, () => tasks.idle());
  expect(looks).toBe(0);
  seen['pods'] = 11;
  await clock.advance(1000, () => tasks.idle());
  expect([looks, reconciler.queue.retries('ns/web')]).toEqual([1, 0]);
});
