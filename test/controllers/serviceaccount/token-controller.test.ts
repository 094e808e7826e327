import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Client } from '../../../api/machinery/client.ts';
import { isNotFound } from '../../../api/machinery/errors.ts';
import { serviceAccountTokenController } from '../../../controllers/serviceaccount/token-controller.ts';
import { secrets, serviceAccounts, type Secret } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness, type HarnessOptions } from '../harness.ts';

const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const OPTIONS: HarnessOptions = {
  caCertificate: 'authority',
  issueToken: (owner, { metadata }) => Promise.resolve(`${owner.metadata.name} by ${metadata.name}`),
};

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([serviceAccountTokenController], 'test', OPTIONS);
});
afterEach(() => harness.stop());

const account = async (listed: readonly string[] = []): Promise<string> => {
  const { metadata } = await harness.client.create(serviceAccounts, {
    metadata: { name: 'robot', namespace: NAMESPACE },
    secrets: listed.map((name) => ({ name })),
  });
  return metadata.uid!;
};
const secret = async (
  more: Partial<Secret> = {},
  annotations: Record<string, string> = {},
): Promise<void> => {
  await harness.client.create(secrets, {
    type: 'kubernetes.io/service-account-token',
    metadata: { name: 'token', namespace: NAMESPACE, annotations: { [NAME]: 'robot', ...annotations } },
    ...more,
  });
};

it('a secret gets a token, and the UID of its account', async () => {
  const uid = await account();
  await secret();
  await harness.settle();
  const { data, metadata } = await harness.get(secrets, 'token');
  expect(data).toEqual({
    'ca.crt': base64('authority'),
    namespace: base64(NAMESPACE),
    token: base64('robot by token'),
  });
  expect(metadata.annotations).toEqual({ [NAME]: 'robot', [UID]: uid });
});

it.each<[string, Record<string, string>]>([
  ['its account is not there', {}],
  ['its account is another one', { [UID]: 'of-another' }],
])('a secret goes when %s', async (_, annotations) => {
  if (annotations[UID] !== undefined) await account();
  await secret({}, annotations);
  await harness.settle();
  await expect(harness.get(secrets, 'token')).rejects.toSatisfy(isNotFound);
});

it('a secret goes with its account', async () => {
  await account();
  await secret();
  await harness.settle();
  await harness.client.delete(serviceAccounts, { namespace: NAMESPACE, name: 'robot' });
  await harness.settle();
  await expect(harness.get(secrets, 'token')).rejects.toSatisfy(isNotFound);
});

it('a secret whose account the caches have not seen yet is kept', async () => {
  await harness.stop();
  const blind = (client: Client): Client => {
    const own: Pick<Client, 'as' | 'watch'> = {
      as: (component) => blind(client.as(component)),
      watch: (resource, options, handler) =>
        resource.resource === 'serviceaccounts' ? () => {} : client.watch(resource, options, handler),
    };
    return new Proxy(client, {
      get: (_, key) => {
        const value: unknown = Reflect.get(key in own ? own : client, key);
        return typeof value === 'function' ? value.bind(client) : value;
      },
    });
  };
  harness = await startHarness([serviceAccountTokenController], 'test', { ...OPTIONS, clientFor: blind });
  await account();
  await secret();
  await harness.settle();
  expect((await harness.get(secrets, 'token')).data).toHaveProperty('token');
});

it('a secret that has all it needs is left alone', async () => {
  await account();
  const data = { 'ca.crt': base64('authority'), namespace: base64('elsewhere'), token: base64('mine') };
  await secret({ data });
  await harness.settle();
  const { data: after, metadata } = await harness.get(secrets, 'token');
  expect(after).toEqual(data);
  expect(metadata.annotations).toEqual({ [NAME]: 'robot' });
});

it('an empty token is none', async () => {
  await account();
  await secret({ data: { token: '' } });
  await harness.settle();
  expect((await harness.get(secrets, 'token')).data?.['token']).toBe(base64('robot by token'));
});

it('an account no longer lists a token that was deleted', async () => {
  await account(['token', 'other']);
  await secret();
  await harness.settle();
  await harness.client.delete(secrets, { namespace: NAMESPACE, name: 'token' });
  await harness.settle();
  expect((await harness.get(serviceAccounts, 'robot')).secrets).toEqual([{ name: 'other' }]);
});
