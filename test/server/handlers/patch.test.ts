import { beforeAll, describe, expect, it } from 'vitest';
import { builtInDefinitions } from '../../../api/groups/index.ts';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { configMap, deployment, newTestServer, type Answer, type TestServer } from '../fixtures/server.ts';

const MAP = '/api/v1/namespaces/default/configmaps/map';
const WEB = '/apis/apps/v1/namespaces/default/deployments/web';
const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';
const STRATEGIC = 'application/strategic-merge-patch+json';

let server: TestServer;
beforeAll(async () => {
  server = await newTestServer();
  await server.call('POST', '/api/v1/namespaces/default/configmaps', configMap('map', { a: '1', b: '2' }));
  await server.call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('web'));
});

const patch = (path: string, type: string, body: unknown): Promise<Answer> =>
  server.call('PATCH', path, body, { 'content-type': type });

describe('a patch', () => {
  it.each<[string, string, unknown, unknown]>([
    [
      'JSON',
      JSON_PATCH,
      [
        { op: 'replace', path: '/data/a', value: '3' },
        { op: 'remove', path: '/data/b' },
      ],
      { a: '3' },
    ],
    ['merge', MERGE, { data: { a: null, b: '4' } }, { b: '4' }],
    ['strategic merge', STRATEGIC, { data: { c: '5' } }, { a: '1', b: '2', c: '5' }],
  ])('of sort %s is applied', async (_name, type, body, data) => {
    const answer = await patch(`${MAP}?dryRun=All`, type, body);
    expect([answer.status, answer.json['data']]).toEqual([200, data]);
  });

  it('merges containers by name', async () => {
    const body = {
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'side', image: 'x' },
              { name: 'main', image: 'nginx:2' },
            ],
          },
        },
      },
    };
    const answer = await patch(`${WEB}?dryRun=All`, `${STRATEGIC}; charset=utf-8`, body);
    const { spec } = answer.json as unknown as {
      spec: { template: { spec: { containers: { name: string; image: string }[] } } };
    };
    expect(spec.template.spec.containers.map(({ name, image }) => `${name}=${image}`)).toEqual([
      'side=x',
      'main=nginx:2',
    ]);
  });

  it('that changes nothing writes nothing', async () => {
    const before = await server.call('GET', MAP);
    const answer = await patch(MAP, MERGE, { data: { a: '1' } });
    expect([answer.status, answer.text]).toEqual([200, before.text]);
  });

  it('with an old resourceVersion is a conflict, with none it is not', async () => {
    const answer = await patch(MAP, MERGE, { metadata: { resourceVersion: '1' }, data: { z: '1' } });
    expect([answer.status, answer.json]).toMatchObject([
      409,
      {
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on configmaps "map": the object has been modified; please apply your changes to the latest version and try again',
      },
    ]);
  });

  it('survives others that write at the same time', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    await server.call('POST', path, configMap('busy', {}));
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, index) => patch(`${path}/busy`, MERGE, { data: { [`k${index}`]: 'v' } })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const { json } = await server.call('GET', `${path}/busy`);
    expect(Object.keys(json['data'] as object)).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
  });

  it.each<[string, string, unknown, number, unknown]>([
    ['of a missing object', MERGE, {}, 404, { reason: 'NotFound', message: 'configmaps "none" not found' }],
  ])('%s', async (_name, type, body, status, expected) => {
    const answer = await patch('/api/v1/namespaces/default/configmaps/none', type, body);
    expect([answer.status, answer.json]).toMatchObject([status, expected]);
  });

  it.each<[string, string, unknown, number, unknown]>([
    [
      'of an unknown sort',
      'application/json',
      {},
      415,
      {
        message: `the body of the request was in an unknown format - accepted media types include: ${JSON_PATCH}, ${MERGE}, ${STRATEGIC}, ${APPLY}`,
      },
    ],
    [
      'to apply as CBOR',
      'application/apply-patch+cbor',
      'a: 1',
      415,
      {
        message: `the body of the request was in an unknown format - accepted media types include: ${JSON_PATCH}, ${MERGE}, ${STRATEGIC}, ${APPLY}`,
      },
    ],
    ['that is no JSON', MERGE, '{', 400, { message: 'error decoding patch: unexpected end of JSON input' }],
    ['that is no JSON, strategic', STRATEGIC, '{', 400, { message: 'unexpected end of JSON input' }],
    ['that is no list', JSON_PATCH, {}, 400, { reason: 'BadRequest' }],
    [
      'whose test fails',
      JSON_PATCH,
      [{ op: 'test', path: '/data/a', value: 'no' }],
      422,
      { reason: 'Invalid', message: 'the server rejected our request due to an error in our request' },
    ],
    [
      'with too many operations',
      JSON_PATCH,
      Array(10_001).fill({ op: 'test', path: '', value: 1 }),
      413,
      {
        message:
          'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
      },
    ],
    [
      'that renames',
      MERGE,
      { metadata: { name: 'other' } },
      400,
      { message: 'the name of the object (other) does not match the name on the URL (map)' },
    ],
  ])('%s is refused', async (_name, type, body, status, expected) => {
    const answer = await patch(MAP, type, body);
    expect([answer.status, answer.json]).toMatchObject([status, expected]);
  });

  it('that leaves the wrong type is refused with what it made', async () => {
    const answer = await patch(MAP, MERGE, { data: 'text' });
    expect([answer.status, answer.json]).toMatchObject([
      422,
      { reason: 'Invalid', details: { causes: [{ reason: 'FieldValueInvalid', field: 'patch' }] } },
    ]);
    const strategic = await patch(WEB, STRATEGIC, { spec: { replicas: 'two' } });
    expect(strategic.json['message']).toBe(
      ' "" is invalid: patch: Invalid value: "map[spec:map[replicas:two]]": json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    );
  });

  it('with unknown fields is refused when strict, else warned of once', async () => {
    const strict = await patch(`${MAP}?fieldValidation=Strict`, MERGE, { extra: 1 });
    expect([strict.status, strict.json['message']]).toEqual([
      422,
      expect.stringContaining('strict decoding error: unknown field "extra"'),
    ]);
    const warned = await patch(`${MAP}?dryRun=All`, MERGE, '{"extra":1,"data":{"a":"1","a":"2"}}');
    expect(warned.headers.get('warning')).toBe(
      '299 - "duplicate field \\"data.a\\"", 299 - "unknown field \\"extra\\""',
    );
  });

  it('of sort strategic merge is not for custom kinds', async () => {
    const other = await newTestServer();
    const definition = builtInDefinitions().find(({ names }) => names.plural === 'configmaps')!;
    const schema = { ...builtInSchema('io.k8s.api.core.v1.ConfigMap'), name: 'custom', protobuf: [] };
    const version = { name: 'v1', schema };
    const names = { ...definition.names, plural: 'chairs', kind: 'Chair', listKind: 'ChairList' };
    const group = 'example.com';
    other.definitions.add({
      ...definition,
      group,
      names,
      versions: [version],
      storageVersion: version,
      storedAs: { group, resource: 'chairs' },
    });
    const path = '/apis/example.com/v1/namespaces/default/chairs';
    expect(
      (
        await other.call('POST', path, {
          kind: 'Chair',
          apiVersion: 'example.com/v1',
          metadata: { name: 'c' },
          data: { a: '1' },
        })
      ).status,
    ).toBe(201);
    const answer = await other.call('PATCH', `${path}/c`, {}, { 'content-type': STRATEGIC });
    expect([answer.status, answer.json]).toMatchObject([
      415,
      {
        message: `the body of the request was in an unknown format - accepted media types include: ${JSON_PATCH}, ${MERGE}, ${APPLY}`,
      },
    ]);
    expect(
      (await other.call('PATCH', `${path}/c`, { data: { a: '2' } }, { 'content-type': MERGE })).json,
    ).toMatchObject({ data: { a: '2' } });
    const list = await other.call('GET', path);
    expect(list.text).toMatch(
      /^\{"apiVersion":"example.com\/v1","items":\[\{"kind":"Chair","apiVersion":"example.com\/v1",.*\],"kind":"ChairList","metadata":\{"resourceVersion":"\d+"\}\}\n$/,
    );
    const binary = await other.call('GET', path, undefined, {
      accept: 'application/vnd.kubernetes.protobuf,application/json',
    });
    expect(binary.headers.get('content-type')).toBe('application/json');
    const posted = await other.call('POST', path, 'x', {
      'content-type': 'application/vnd.kubernetes.protobuf',
    });
    expect(posted.status).toBe(415);
  });
});
