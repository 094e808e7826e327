/** A controller that is switched off leaves its objects alone, and so does everybody else. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Client, Draft, ResourceType } from '../../api/machinery/client.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import { CONTROLLERS } from '../../controllers/index.ts';
import { startCluster, type Cluster } from '../../server/cluster.ts';
import { SWITCH_CASES } from './switch-cases.ts';

const HOUR_MS = 3_600_000;

const NOT_SHOWN = [
  // Nodes ask for themselves, not the administrator.
  'certificatesigningrequest-approving-controller',
  // Its work begins after a year, which is long for a cluster with nodes.
  'legacy-serviceaccount-token-cleaner-controller',
];

let cluster: Cluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

async function lookAt(
  client: Client,
  type: ResourceType<KubeObject>,
  { name, namespace }: KubeObject['metadata'],
) {
  return client.get(type, { name: name!, namespace });
}

describe('switched off', () => {
  it.each(SWITCH_CASES)(
    '$off: $title',
    async ({ off, make, afterwards, hours = 1, isWrittenByOthers, counts = [], holds }) => {
      cluster = await startCluster({
        clock: 'virtual',
        seed: off,
        controllers: ['*', `-${off}`],
        logLevel: 'error',
      });
      const { client } = cluster;
      const made: KubeObject[] = [];
      for (const [type, object] of make) made.push(await client.create(type, object as Draft<KubeObject>));
      await cluster.settled();
      await afterwards?.(client);
      await cluster.clock.step(hours * HOUR_MS);
      const last = await lookAt(client, make.at(-1)![0], made.at(-1)!.metadata).catch(() => undefined);
      if (isWrittenByOthers !== true) expect(last).toEqual(made.at(-1));
      for (const [type, count] of counts) {
        const { items } = await client.list(type, type.namespaced ? { namespace: 'default' } : {});
        expect([type.resource, items.length]).toEqual([type.resource, count]);
      }
      await holds?.(client);
    },
  );
});

it('there is a case for every controller whose work shows', () => {
  const known = new Set(SWITCH_CASES.map(({ off }) => off));
  const missing = CONTROLLERS.filter(
    ({ name, aliases = [] }) =>
      !NOT_SHOWN.includes(name) && ![name, ...aliases].some((own) => known.has(own)),
  );
  expect(missing.map(({ name }) => name)).toEqual([]);
});
