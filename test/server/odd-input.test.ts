/** Input that is unlikely and must be plain data or a plain refusal. Each of these once was a fault, found by chance. */
import { beforeAll, describe, expect, it } from 'vitest';
import { newTestServer, type TestServer } from './fixtures/server.ts';

const NAMESPACE = 'namespaces/default';
const MAPS = `/api/v1/${NAMESPACE}/configmaps`;
const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const MERGE = { 'content-type': 'application/merge-patch+json' };
const PROTOTYPES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];

// oxlint-disable-next-line no-explicit-any -- whatever the server answers; the assertions say what it must be
type Json = any;

let server: TestServer;
beforeAll(async () => {
  server = await newTestServer();
});

const template = {
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
};

describe('names that objects inherit', () => {
  it.each(PROTOTYPES)('%s is no type of secret, no schedule and no class', async (name) => {
    const secret = await server.call('POST', `/api/v1/${NAMESPACE}/secrets`, {
      metadata: { generateName: 's-' },
      type: name,
    });
    expect(secret.status, secret.text).toBe(201);
    const cron = await server.call('POST', `/apis/batch/v1/${NAMESPACE}/cronjobs`, {
      metadata: { name: 'c' },
      spec: { schedule: name, jobTemplate: template },
    });
    expect([cron.status, cron.json['message']]).toEqual([
      422,
      expect.stringContaining('spec.schedule') as string,
    ]);
  });

  it.each(PROTOTYPES)('%s is a key like any other in data and annotations', async (name) => {
    // Annotations must begin with a letter.
    const body = `{"metadata":{"name":"keys","annotations":{"a/${name.replaceAll('_', '')}":"a"}},"data":{"${name}":"d"}}`;
    await server.call('DELETE', `${MAPS}/keys`);
    const created = await server.call('POST', MAPS, body, { 'content-type': 'application/json' });
    expect(created.status, created.text).toBe(201);
    const read = (await server.call('GET', `${MAPS}/keys`)).json as Json;
    expect(Object.getOwnPropertyNames(read.data)).toEqual([name]);
    expect(read.metadata.annotations).toEqual({ [`a/${name.replaceAll('_', '')}`]: 'a' });
  });

  it.each(PROTOTYPES)('%s is patched in and out like any other', async (name) => {
    await server.call('DELETE', `${MAPS}/patched`);
    await server.call('POST', MAPS, { metadata: { name: 'patched' }, data: { a: '1' } });
    const patched = await server.call('PATCH', `${MAPS}/patched`, `{"data":{"${name}":"d"}}`, MERGE);
    expect(Object.getOwnPropertyNames((patched.json as Json).data).sort()).toEqual([name, 'a'].sort());
    const operations = `[{"op":"remove","path":"/data/${name}"},{"op":"test","path":"/data/a","value":"1"}]`;
    const removed = await server.call('PATCH', `${MAPS}/patched`, operations, {
      'content-type': 'application/json-patch+json',
    });
    expect((removed.json as Json).data).toEqual({ a: '1' });
    const applied = await server.call(
      'PATCH',
      `${MAPS}/patched?fieldManager=me`,
      `{"kind":"ConfigMap","apiVersion":"v1","data":{"${name}":"x"}}`,
      APPLY,
    );
    expect(applied.status, applied.text).toBe(200);
    const { managedFields } = (applied.json as Json).metadata;
    const own = managedFields.find(({ manager }: { manager: string }) => manager === 'me');
    expect(Object.keys(own.fieldsV1['f:data'])).toEqual([`f:${name}`]);
    expect(({} as Json).d).toBeUndefined();
  });

  it.each([
    '/__proto__',
    '/api/v1/__proto__',
    '/apis/__proto__/v1/x',
    '/api/v1/namespaces/default/constructor/x',
  ])('%s is a path that is not there', async (path) => {
    expect((await server.call('GET', path)).status).toBe(404);
  });
});

describe('depth', () => {
  const deep = (depth: number): string =>
    `{"metadata":{"name":"x"},"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;

  it.each(['application/json', 'application/yaml'])(
    'beyond what can be walked is refused in %s',
    async (type) => {
      const answer = await server.call('POST', MAPS, deep(20_000), { 'content-type': type });
      expect([answer.status, answer.json['message']]).toEqual([
        400,
        expect.stringContaining('exceeded max depth') as string,
      ]);
    },
  );

  it.each(['json-patch', 'merge-patch', 'strategic-merge-patch'])('is bounded in a %s', async (type) => {
    const answer = await server.call('PATCH', `${MAPS}/keys`, '['.repeat(20_000), {
      'content-type': `application/${type}+json`,
    });
    expect([answer.status, answer.json['message']]).toEqual([
      400,
      expect.stringContaining('exceeded max depth') as string,
    ]);
  });

  it('that can be walked is taken', async () => {
    const answer = await server.call('POST', `${MAPS}?dryRun=All`, deep(900));
    expect([answer.status, answer.headers.get('warning')]).toEqual([201, '299 - "unknown field \\"x\\""']);
  });
});

describe('an answer that cannot be given', () => {
  it.each([
    ['a list of one object', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', '', 406],
    ['a table of nobody knows what', 'application/json;as=Table;v=v1;g=meta.k8s.io', '?includeObject=x', 400],
  ])('is refused before anything changes: %s', async (_name, accept, query, status) => {
    const before = server.store.revision;
    const answer = await server.call('POST', `${MAPS}${query}`, { metadata: { name: 'never' } }, { accept });
    expect(answer.status).toBe(status);
    expect(server.store.revision).toBe(before);
  });

  it('is refused before a collection is deleted', async () => {
    const before = server.store.revision;
    const accept = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
    expect((await server.call('DELETE', MAPS, undefined, { accept })).status).toBe(406);
    expect(server.store.revision).toBe(before);
  });
});

describe('options', () => {
  it('of a gate that is off are taken and make no difference', async () => {
    await server.call('POST', MAPS, { metadata: { name: 'gone' } });
    const query = 'ignoreStoreReadErrorWithClusterBreakingPotential=true';
    expect((await server.call('DELETE', `${MAPS}/gone?${query}`)).status).toBe(200);
  });

  it('that are no selector are refused beside a name', async () => {
    const answer = await server.call(
      'GET',
      '/api/v1/watch/namespaces/default/configmaps/a?fieldSelector=%5C',
    );
    expect([answer.status, answer.json['reason']]).toEqual([400, 'BadRequest']);
  });
});
