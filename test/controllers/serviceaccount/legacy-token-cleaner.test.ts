import { afterEach, beforeEach, expect, it } from 'vitest';
import { dateOf } from '../../../api/machinery/clock.ts';
import type { Client } from '../../../api/machinery/client.ts';
import { isNotFound, newForbidden } from '../../../api/machinery/errors.ts';
import { legacyTokenCleaner } from '../../../controllers/serviceaccount/legacy-token-cleaner.ts';
import {
  configMaps,
  namespaces,
  pods,
  secrets,
  serviceAccounts,
  type Secret,
} from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

const DAY_MS = 24 * 3_600_000;
let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([legacyTokenCleaner]);
  await harness.client.create(namespaces, { metadata: { name: 'kube-system' }, spec: {} });
  await harness.client.create(serviceAccounts, {
    metadata: { name: 'robot', namespace: NAMESPACE },
    secrets: [{ name: 'listed' }],
  });
});
afterEach(() => harness.stop());

async function track(): Promise<void> {
  await harness.client.create(configMaps, {
    metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' },
    data: { since: dateOf(harness.clock.now()) },
  });
}

async function token(name: string, labels: Record<string, string> = {}): Promise<void> {
  await harness.client.create(secrets, {
    metadata: {
      name,
      namespace: NAMESPACE,
      labels,
      annotations: { 'kubernetes.io/service-account.name': 'robot' },
    },
    type: 'kubernetes.io/service-account-token',
  });
}

async function mark(): Promise<string | undefined> {
  const secret = await harness.client
    .get(secrets, { namespace: NAMESPACE, name: 'listed' })
    .catch((error: unknown): Secret | undefined => {
      if (!isNotFound(error)) throw error;
      return undefined;
    });
  return secret === undefined ? 'gone' : secret.metadata.labels?.['kubernetes.io/legacy-token-invalid-since'];
}

it('marks a token that was not used for a year, and deletes it a year later', async () => {
  await track();
  await token('listed');
  await token('by-hand');
  await harness.advance(365 * DAY_MS);
  expect(await mark()).toBeUndefined();
  await harness.advance(2 * DAY_MS);
  expect(await mark()).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  await harness.advance(364 * DAY_MS);
  expect(await mark()).not.toBe('gone');
  await harness.advance(3 * DAY_MS);
  expect(await mark()).toBe('gone');
  expect(await harness.get(secrets, 'by-hand')).toBeDefined();
});

it('leaves alone what is used, what a pod mounts, and everything while use is not noted', async () => {
  await token('listed');
  await harness.advance(800 * DAY_MS);
  expect(await mark()).toBeUndefined();
  await track();
  await harness.client.create(pods, {
    metadata: { name: 'user', namespace: NAMESPACE },
    spec: {
      containers: [{ name: 'main', image: 'app:1' }],
      volumes: [{ name: 'token', secret: { secretName: 'listed', optional: true } }],
    },
  });
  await harness.advance(400 * DAY_MS);
  expect(await mark()).toBeUndefined();
  const used = { 'kubernetes.io/legacy-token-last-used': dateOf(harness.clock.now()) };
  await harness.client.delete(pods, { namespace: NAMESPACE, name: 'user' });
  await harness.change(secrets, 'listed', ({ metadata }) => (metadata.labels = used));
  await harness.advance(365 * DAY_MS);
  expect(await mark()).toBeUndefined();
  await harness.advance(2 * DAY_MS);
  expect(await mark()).toBeDefined();
});

it('goes on behind a token that cannot be written', async () => {
  await harness.stop();
  const failing = (client: Client): Client => {
    const own: Pick<Client, 'as' | 'patch'> = {
      as: (component) => failing(client.as(component)),
      patch: async (resource, target, ...rest) => {
        if (target.name === 'a-broken-one') throw newForbidden(secrets, target.name, 'kept');
        return client.patch(resource, target, ...rest);
      },
    };
    return new Proxy(client, {
      get: (_, key) => {
        const value: unknown = Reflect.get(key in own ? own : client, key);
        return typeof value === 'function' ? value.bind(client) : value;
      },
    });
  };
  harness = await startHarness([legacyTokenCleaner], 'test', { clientFor: failing });
  await harness.client.create(namespaces, { metadata: { name: 'kube-system' }, spec: {} });
  await harness.client.create(serviceAccounts, {
    metadata: { name: 'robot', namespace: NAMESPACE },
    secrets: [{ name: 'a-broken-one' }, { name: 'listed' }],
  });
  await track();
  await token('a-broken-one');
  await token('listed');
  await harness.advance(367 * DAY_MS);
  expect(await mark()).toBeDefined();
});

it('leaves alone what was used at a day there is not', async () => {
  await track();
  await token('listed', { 'kubernetes.io/legacy-token-last-used': '2023-02-30' });
  await harness.advance(800 * DAY_MS);
  expect(await mark()).toBeUndefined();
});
