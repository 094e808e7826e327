/** Requests from one end of the server to the other. */
import { beforeAll, describe, expect, it } from 'vitest';
import { builtInDefinitions } from '../../api/groups/index.ts';
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import { encodeObject } from '../../api/machinery/codec.ts';
import { decodeEnvelope, encodeEnvelope } from '../../api/machinery/protobuf/envelope.ts';
import { decodeProtobuf } from '../../api/machinery/protobuf/decode.ts';
import { encodeProtobuf } from '../../api/machinery/protobuf/encode.ts';
import { createAuthenticator } from '../../server/authn/authenticator.ts';
import type { ResourceRegistry } from '../../server/registry/interface.ts';
import {
  ADMIN_TOKEN,
  configMap,
  deployment,
  newTestServer,
  toAnswer,
  VIEWER_TOKEN,
  type TestServer,
} from './fixtures/server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const METADATA = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

let server: TestServer;
beforeAll(async () => {
  server = await newTestServer();
});

describe('an object', () => {
  it('is created, read, changed and deleted', async () => {
    const created = await server.call('POST', MAPS, configMap('life'));
    expect(created.status).toBe(201);
    expect(created.headers.get('content-type')).toBe('application/json');
    expect(created.text).toMatch(
      /^\{"kind":"ConfigMap","apiVersion":"v1","metadata":\{"name":"life","namespace":"default",.*\}\n$/,
    );
    const read = await server.call('GET', `${MAPS}/life`);
    expect([read.status, read.text]).toEqual([200, created.text]);
    const { metadata } = created.json as unknown as { metadata: object };
    const updated = await server.call('PUT', `${MAPS}/life`, { metadata, data: { a: '2' } });
    expect([updated.status, updated.json]).toMatchObject([200, { data: { a: '2' } }]);
    const stale = await server.call('PUT', `${MAPS}/life`, { metadata, data: { a: '3' } });
    expect([stale.status, stale.json]).toMatchObject([409, { reason: 'Conflict' }]);
    const deleted = await server.call('DELETE', `${MAPS}/life`);
    expect(deleted.text).toBe(
      `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":{"name":"life","kind":"configmaps","uid":"${(metadata as { uid: string }).uid}"}}\n`,
    );
    const gone = await server.call('GET', `${MAPS}/life`);
    expect([gone.status, gone.text]).toEqual([
      404,
      '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"configmaps \\"life\\" not found","reason":"NotFound","details":{"name":"life","kind":"configmaps"},"code":404}\n',
    ]);
  });

  it('is not stored by a dry run', async () => {
    const dry = await server.call('POST', `${MAPS}?dryRun=All`, configMap('dry'));
    expect(dry.status).toBe(201);
    expect((await server.call('GET', `${MAPS}/dry`)).status).toBe(404);
  });

  it('is created by PUT where the kind allows it', async () => {
    const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/held';
    const lease = { metadata: { name: 'held' }, spec: { holderIdentity: 'me' } };
    expect((await server.call('PUT', path, lease)).status).toBe(201);
    expect((await server.call('PUT', `${MAPS}/never`, configMap('never'))).status).toBe(404);
  });

  it.each([
    [
      'its body lacks the name',
      { data: {} },
      'the name of the object (named based on URL) was undeterminable: name must be provided',
    ],
    [
      'its body has another name',
      configMap('other'),
      'the name of the object (other) does not match the name on the URL (named)',
    ],
    [
      'its body has another namespace',
      { metadata: { name: 'named', namespace: 'x' } },
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
  ])('is not updated when %s', async (_name, body, message) => {
    const answer = await server.call('PUT', `${MAPS}/named`, body);
    expect([answer.status, answer.json]).toMatchObject([400, { reason: 'BadRequest', message }]);
  });

  it('comes back from DELETE for kinds that say so', async () => {
    const path = '/api/v1/namespaces/default/serviceaccounts';
    await server.call('POST', path, { metadata: { name: 'robot' } });
    expect((await server.call('DELETE', `${path}/robot`)).json).toMatchObject({ kind: 'ServiceAccount' });
  });

  it('comes back from DELETE while finalizers hold it, as accepted when asked the old way', async () => {
    await server.call('POST', MAPS, { metadata: { name: 'held', finalizers: ['example.com/wait'] } });
    const plain = await server.call('DELETE', `${MAPS}/held`);
    expect([plain.status, plain.json]).toMatchObject([
      200,
      { kind: 'ConfigMap', metadata: { deletionTimestamp: expect.any(String) } },
    ]);
    expect((await server.call('DELETE', `${MAPS}/held?orphanDependents=false`)).status).toBe(202);
    const release = { metadata: { finalizers: null } };
    await server.call('PATCH', `${MAPS}/held`, release, { 'content-type': 'application/merge-patch+json' });
    expect((await server.call('GET', `${MAPS}/held`)).status).toBe(404);
  });
});

describe('a list', () => {
  const path = '/api/v1/namespaces/other/configmaps';
  beforeAll(async () => {
    for (const name of ['c', 'a', 'b']) {
      await server.call('POST', path, { metadata: { name, labels: { name } }, data: { text: '<&>' } });
    }
  });

  it('joins stored objects without their kind', async () => {
    const answer = await server.call('GET', path);
    expect(answer.text).toMatch(
      /^\{"kind":"ConfigMapList","apiVersion":"v1","metadata":\{"resourceVersion":"\d+"\},"items":\[\{"metadata":\{"name":"a",.*\},\{"metadata":\{"name":"b",.*\]\}\n$/,
    );
    expect(answer.text).toContain('"text":"\\u003c\\u0026\\u003e"');
    const { items } = answer.json as unknown as { items: { metadata: { name: string } }[] };
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
  });

  it('is empty, not null', async () => {
    const answer = await server.call('GET', '/api/v1/namespaces/nowhere/configmaps');
    expect(answer.text).toMatch(
      /^\{"kind":"ConfigMapList","apiVersion":"v1","metadata":\{"resourceVersion":"\d+"\},"items":\[\]\}\n$/,
    );
  });

  it('comes in pages', async () => {
    const first = (await server.call('GET', `${path}?limit=2`)).json as unknown as {
      metadata: { continue: string };
      items: object[];
    };
    expect(first).toMatchObject({ metadata: { remainingItemCount: 1 } });
    expect(first.items).toHaveLength(2);
    const second = await server.call('GET', `${path}?limit=2&continue=${first.metadata.continue}`);
    expect(second.json).toMatchObject({ items: [{ metadata: { name: 'c' } }] });
  });

  it('is selected from', async () => {
    const labelled = await server.call(
      'GET',
      `${path}?labelSelector=${encodeURIComponent('name in (a,b),name!=a')}`,
    );
    expect(labelled.json).toMatchObject({ items: [{ metadata: { name: 'b' } }] });
    const named = await server.call('GET', `${path}?fieldSelector=metadata.name%3Dc`);
    expect(named.json).toMatchObject({ items: [{ metadata: { name: 'c' } }] });
  });

  it('reads as YAML, indented JSON and protobuf alike', async () => {
    const json = (await server.call('GET', path)).json as unknown as { metadata: object; items: object[] };
    const pretty = await server.call('GET', path, undefined, { 'user-agent': 'curl/8.0' });
    expect(pretty.text).toBe(JSON.stringify(json, undefined, 2).replaceAll('<&>', '\\u003c\\u0026\\u003e'));
    const yaml = await server.call('GET', path, undefined, { accept: 'application/yaml' });
    expect(yaml.headers.get('content-type')).toBe('application/yaml');
    expect(yaml.text).toMatch(/^apiVersion: v1\nitems:\n- data:\n {4}text: <&>\n {2}metadata:/);
    const binary = await server.call('GET', path, undefined, { accept: PROTOBUF });
    expect(binary.headers.get('content-type')).toBe(PROTOBUF);
    const envelope = decodeEnvelope(binary.bytes);
    expect([envelope.apiVersion, envelope.kind]).toEqual(['v1', 'ConfigMapList']);
    const decoded = decodeProtobuf(builtInSchema('io.k8s.api.core.v1.ConfigMapList'), envelope.raw);
    expect(decoded).toEqual({ metadata: json.metadata, items: json.items });
  });

  it('comes as a table', async () => {
    const { json } = await server.call('GET', `${path}?limit=1&includeObject=None`, undefined, {
      accept: TABLE,
    });
    expect(json).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { remainingItemCount: 2, continue: expect.any(String) },
      columnDefinitions: [
        { name: 'Name', type: 'string', format: 'name', priority: 0 },
        { name: 'Data' },
        { name: 'Age', format: '' },
      ],
      rows: [{ cells: ['a', 1, '0s'], object: null }],
    });
    const metadataRows = (await server.call('GET', path, undefined, { accept: TABLE })).json;
    expect(metadataRows).toMatchObject({
      rows: [
        { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } } },
        {},
        {},
      ],
    });
    const objectRows = (
      await server.call('GET', `${path}?includeObject=Object`, undefined, { accept: TABLE })
    ).json;
    expect(objectRows).toMatchObject({
      rows: [{ object: { kind: 'ConfigMap', apiVersion: 'v1', data: { text: '<&>' } } }, {}, {}],
    });
  });

  it('comes as metadata', async () => {
    const { json } = await server.call('GET', path, undefined, { accept: METADATA_LIST });
    expect(json).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    expect((json as unknown as { items: object[] }).items[0]).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: expect.objectContaining({ name: 'a', labels: { name: 'a' } }),
    });
  });

  it('is deleted by selector, and told', async () => {
    const dry = await server.call('DELETE', `${path}?labelSelector=name%3Da&dryRun=All`);
    expect(dry.json).toMatchObject({ kind: 'ConfigMapList', items: [{ metadata: { name: 'a' } }] });
    const some = await server.call('DELETE', `${path}?labelSelector=name%3Da`);
    expect(some.json).toMatchObject({ items: [{ metadata: { name: 'a' } }] });
    const { json } = await server.call('GET', path);
    expect((json as unknown as { items: object[] }).items).toHaveLength(2);
  });
});

describe('one object', () => {
  beforeAll(() => server.call('POST', MAPS, configMap('one', { a: '1' })));

  it.each([
    ['protobuf', PROTOBUF],
    ['protobuf, with JSON to fall back on', `${PROTOBUF},application/json`],
  ])('reads as %s', async (_name, accept) => {
    const { bytes, headers } = await server.call('GET', `${MAPS}/one`, undefined, { accept });
    expect(headers.get('content-type')).toBe(PROTOBUF);
    const { kind, apiVersion, raw } = decodeEnvelope(bytes);
    expect([kind, apiVersion]).toEqual(['ConfigMap', 'v1']);
    expect(decodeProtobuf(builtInSchema('io.k8s.api.core.v1.ConfigMap'), raw)).toMatchObject({
      metadata: { name: 'one' },
      data: { a: '1' },
    });
  });

  it('is written as protobuf', async () => {
    const schema = builtInSchema('io.k8s.api.core.v1.ConfigMap');
    const raw = encodeProtobuf(schema, { metadata: { name: 'binary' }, data: { x: 'y' } });
    const body = encodeEnvelope({ kind: 'ConfigMap', apiVersion: 'v1' }, raw);
    const answer = await server.call('POST', MAPS, body, { 'content-type': PROTOBUF });
    expect([answer.status, answer.json]).toMatchObject([
      201,
      { metadata: { name: 'binary' }, data: { x: 'y' } },
    ]);
  });

  it('is written as YAML', async () => {
    const body = 'kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: yaml\ndata: {a: "yes"}\n';
    const answer = await server.call('POST', MAPS, body, { 'content-type': 'application/yaml' });
    expect([answer.status, answer.json]).toMatchObject([201, { data: { a: 'yes' } }]);
  });

  it('comes as a table and as metadata', async () => {
    const table = await server.call('GET', `${MAPS}/one`, undefined, { accept: TABLE });
    const { json } = await server.call('GET', `${MAPS}/one`, undefined, { accept: METADATA });
    expect(json).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'one' } });
    const { metadata } = json as unknown as { metadata: { resourceVersion: string } };
    expect(table.json).toMatchObject({
      kind: 'Table',
      metadata: { resourceVersion: metadata.resourceVersion },
      rows: [{ cells: ['one', 1, '0s'] }],
    });
  });

  it.each([
    [
      'a list of metadata',
      `${MAPS}/one`,
      METADATA_LIST,
      'you requested PartialObjectMetadataList, but the requested object is not a list',
    ],
    [
      'metadata of a list',
      MAPS,
      METADATA,
      'you requested PartialObjectMetadata, but the requested object is a list (ConfigMapList)',
    ],
    [
      'text',
      `${MAPS}/one`,
      'text/plain',
      `only the following media types are accepted: application/json, application/yaml, ${PROTOBUF}`,
    ],
  ])('does not come as %s', async (_name, path, accept, message) => {
    const answer = await server.call('GET', path, undefined, { accept });
    expect([answer.status, answer.json]).toMatchObject([406, { reason: 'NotAcceptable', message }]);
  });

  it('does not come as a table with an unknown includeObject', async () => {
    const answer = await server.call('GET', `${MAPS}/one?includeObject=Half`, undefined, { accept: TABLE });
    expect([answer.status, answer.json]).toMatchObject([
      400,
      {
        message: `Unable to convert to Table as requested: includeObject: Invalid value: "Half": must be 'Metadata', 'Object', 'None', or empty`,
      },
    ]);
  });
});

describe('paths and methods', () => {
  it.each([
    ['GET', '/nope', 404, '404 page not found\n'],
    ['GET', '/apis/nope.example.com/v1/things', 404, '404 page not found\n'],
    ['GET', '/apis/apps/v9/deployments', 404, '404 page not found\n'],
    ['GET', '/apis/nope', 404, '404 page not found\n'],
    ['POST', '/api/v2', 404, '404 page not found\n'],
  ])('%s %s is no path', async (method, path, status, text) => {
    const answer = await server.call(method, path);
    expect([answer.status, answer.text]).toEqual([status, text]);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  it.each([
    ['GET', '/api/v1/things'],
    ['GET', '/api/v1/pods/p'],
    ['GET', '/api/v1/namespaces/default/nodes'],
    ['GET', `${MAPS}/one/scale`],
    ['GET', `${MAPS}/one/status/more`],
    ['GET', '/api/v1/namespaces/default/finalize/x'],
  ])('%s %s is no resource', async (method, path) => {
    const answer = await server.call(method, path);
    expect([answer.status, answer.json]).toMatchObject([
      404,
      { reason: 'NotFound', message: 'the server could not find the requested resource' },
    ]);
  });

  it.each([
    ['POST', '/api/v1/configmaps'],
    ['DELETE', '/api/v1/configmaps'],
    ['PUT', MAPS],
    ['PATCH', MAPS],
    ['POST', `${MAPS}/one`],
    ['HEAD', `${MAPS}/one`],
    ['OPTIONS', MAPS],
    ['DELETE', '/api/v1/namespaces'],
    ['GET', '/api/v1/namespaces/default/finalize'],
    ['POST', '/api/v1/watch/pods'],
    ['GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'],
    ['POST', '/version'],
    ['DELETE', '/healthz'],
  ])('%s %s is no method there', async (method, path) => {
    const answer = await server.call(method, path);
    expect(answer.status).toBe(405);
    if (method !== 'HEAD')
      expect(answer.json).toMatchObject({
        reason: 'MethodNotAllowed',
        message: 'the server does not allow this method on the requested resource',
      });
  });

  it.each([
    ['GET', '/api/v1/namespaces/default/pods/p/log', 'pods/log'],
    ['POST', '/api/v1/namespaces/default/pods/p/exec', 'pods/exec'],
    ['GET', '/api/v1/namespaces/default/pods/p/portforward', 'pods/portforward'],
    ['GET', '/api/v1/nodes/n/proxy/metrics', 'nodes/proxy'],
  ])('%s %s is refused by name', async (method, path, what) => {
    const answer = await server.call(method, path);
    expect([answer.status, answer.json]).toMatchObject([
      501,
      { message: `${what} is not implemented by kubemu` },
    ]);
  });

  it('decodes names once', async () => {
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
    await server.call('POST', path, { metadata: { name: 'system:thing' }, rules: [] });
    expect((await server.call('GET', `${path}/system%3Athing`)).json).toMatchObject({
      metadata: { name: 'system:thing' },
    });
    expect((await server.call('GET', `${path}/system%253Athing`)).status).toBe(404);
    expect((await server.call('GET', `${path}/%E0%A4%A`)).json).toMatchObject({
      code: 400,
      reason: 'BadRequest',
    });
  });
});

describe('options', () => {
  it.each<[string, string, string, unknown, number, string]>([
    [
      'an unknown dry run',
      'POST',
      `${MAPS}?dryRun=Some`,
      configMap('x'),
      422,
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
    [
      'an unknown field validation',
      'POST',
      `${MAPS}?fieldValidation=Hard`,
      configMap('x'),
      422,
      'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Hard": supported values: "Ignore", "Warn", "Strict"',
    ],
    [
      'a field manager that is too long',
      'PUT',
      `${MAPS}/one?fieldManager=${'x'.repeat(129)}`,
      configMap('one'),
      422,
      'UpdateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    ],
    [
      'force where nothing is applied',
      'PATCH',
      `${MAPS}/one?force=true`,
      {},
      422,
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    ],
    [
      'a limit that is no number',
      'GET',
      `${MAPS}?limit=ten`,
      undefined,
      400,
      'strconv.ParseInt: parsing "ten": invalid syntax',
    ],
    [
      'sendInitialEvents of a list',
      'GET',
      `${MAPS}?sendInitialEvents=true`,
      undefined,
      422,
      'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
    ],
    [
      'a match without a version',
      'GET',
      `${MAPS}?resourceVersionMatch=Exact`,
      undefined,
      422,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    ['a broken label selector', 'GET', `${MAPS}?labelSelector=%21%21`, undefined, 400, ''],
    ['an unknown field', 'GET', `${MAPS}?fieldSelector=spec.x%3Dy`, undefined, 400, ''],
    [
      'a bad timeout',
      'GET',
      `${MAPS}?timeout=soon`,
      undefined,
      400,
      'invalid timeout specified in the request URL - time: invalid duration "soon"',
    ],
    [
      'a bad propagation policy',
      'DELETE',
      `${MAPS}/one?propagationPolicy=Away`,
      undefined,
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Away": supported values: "Foreground", "Background", "Orphan", "nil"',
    ],
    [
      'two policies at once',
      'DELETE',
      `${MAPS}/one`,
      { orphanDependents: true, propagationPolicy: 'Orphan' },
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    ],
    [
      'a grace period that is no number',
      'DELETE',
      `${MAPS}/one?gracePeriodSeconds=x`,
      undefined,
      400,
      'strconv.ParseInt: parsing "x": invalid syntax',
    ],
  ])('%s', async (_name, method, path, body, status, message) => {
    const headers: Record<string, string> =
      method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {};
    const answer = await server.call(method, path, body, headers);
    expect([answer.status, answer.json]).toMatchObject([
      status,
      message === '' ? { status: 'Failure' } : { message },
    ]);
  });

  it.each<[string, unknown, Record<string, string>]>([
    [
      'of meta.k8s.io',
      { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', preconditions: { uid: 'no' } },
      {},
    ],
    ['of the core group', { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'no' } }, {}],
    ['without a kind', { preconditions: { uid: 'no' } }, { 'content-type': 'application/json' }],
    ['in YAML', 'preconditions: {uid: "no"}', { 'content-type': 'application/yaml' }],
    [
      'in protobuf',
      encodeEnvelope(
        { kind: 'DeleteOptions', apiVersion: 'apps/v1' },
        encodeProtobuf(builtInSchema('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'), {
          preconditions: { uid: 'no' },
        }),
      ),
      { 'content-type': PROTOBUF },
    ],
  ])('of a delete are read from the body %s', async (_name, body, headers) => {
    const answer = await server.call('DELETE', `${MAPS}/one`, body, headers);
    expect([answer.status, answer.json]).toMatchObject([
      409,
      { reason: 'Conflict', message: expect.stringContaining('the UID in the precondition (no)') },
    ]);
  });

  it('of a delete in a body of another kind are refused', async () => {
    expect((await server.call('DELETE', `${MAPS}/one`, configMap('one'))).status).toBe(400);
  });
});

describe('headers', () => {
  it('echo the audit ID, or make one up', async () => {
    const given = await server.call('GET', '/version', undefined, { 'audit-id': 'my-id' });
    expect(given.headers.get('audit-id')).toBe('my-id');
    const made = await server.call('GET', '/nope');
    expect(made.headers.get('audit-id')).toMatch(/^[0-9a-f]{8}-/);
    expect(made.headers.get('cache-control')).toBe('no-cache, private');
    expect(made.headers.get('x-kubernetes-pf-flowschema-uid')).toMatch(/^[0-9a-f]{8}-/);
    expect(made.headers.get('x-kubernetes-pf-prioritylevel-uid')).toMatch(/^[0-9a-f]{8}-/);
  });

  it('warn of deprecated kinds', async () => {
    const answer = await server.call('GET', '/api/v1/namespaces/default/endpoints');
    expect(answer.headers.get('warning')).toBe(
      '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"',
    );
  });
});

describe('who may do what', () => {
  const as = (token: string | undefined, method: string, path: string): Promise<Response> =>
    Promise.resolve(
      server.app.fetch(
        new Request(`http://localhost${path}`, {
          method,
          headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        }),
      ),
    );

  it.each([undefined, 'wrong'])('token %s is refused', async (token) => {
    const answer = await toAnswer(await as(token, 'GET', MAPS));
    expect([answer.status, answer.json]).toMatchObject([
      401,
      { kind: 'Status', reason: 'Unauthorized', message: 'Unauthorized', code: 401 },
    ]);
    expect(answer.headers.get('x-kubernetes-pf-flowschema-uid')).toBeNull();
  });

  it('a user without rights is told what is missing', async () => {
    const answer = await toAnswer(await as(VIEWER_TOKEN, 'GET', `${MAPS}/one`));
    expect([answer.status, answer.json]).toMatchObject([
      403,
      {
        reason: 'Forbidden',
        message:
          'configmaps "one" is forbidden: User "viewer" cannot get resource "configmaps" in API group "" in the namespace "default"',
        details: { name: 'one', kind: 'configmaps' },
      },
    ]);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const other = await toAnswer(await as(VIEWER_TOKEN, 'GET', '/version'));
    expect(other.json).toMatchObject({
      message: 'forbidden: User "viewer" cannot get path "/version"',
      details: {},
    });
  });

  it('anonymous requests pass only where they are welcome', async () => {
    const open = await newTestServer({
      authenticator: createAuthenticator({
        anonymous: true,
        tokens: [{ token: ADMIN_TOKEN, user: { name: 'admin', groups: ['system:masters'] } }],
      }),
    });
    const answer = await toAnswer(await open.app.fetch(new Request('http://localhost/version')));
    expect([answer.status, answer.json]).toMatchObject([
      403,
      { message: 'forbidden: User "system:anonymous" cannot get path "/version"' },
    ]);
  });

  it('is answered to those who ask', async () => {
    const review = await server.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      spec: { user: 'viewer', groups: ['x'], resourceAttributes: { verb: 'get', resource: 'pods' } },
    });
    expect([review.status, review.json]).toMatchObject([201, { status: { allowed: false } }]);
    const table = await server.call(
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      {},
      { accept: TABLE },
    );
    expect(table.status).toBe(406);
    const rules = await server.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
      spec: { namespace: 'x' },
    });
    expect([rules.status, rules.json['status']]).toEqual([
      201,
      {
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
        incomplete: false,
      },
    ]);
  });
});

describe('subresources', () => {
  const scaled = async (): Promise<TestServer> => {
    const other = await newTestServer();
    const definition = builtInDefinitions().find(({ names }) => names.plural === 'deployments')!;
    type Scaled = { spec: { replicas?: number }; status: { replicas?: number } };
    other.definitions.add({
      ...definition,
      behaviour: {
        ...definition.behaviour,
        scale: {
          specReplicas: (object) => (object as unknown as Scaled).spec.replicas ?? 0,
          setSpecReplicas: (object, replicas) =>
            void ((object as unknown as Scaled).spec.replicas = replicas),
          statusReplicas: (object) => (object as unknown as Scaled).status.replicas ?? 0,
          selector: () => 'app=web',
        },
      },
    });
    await other.call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('web', 2));
    return other;
  };
  const SCALE = '/apis/apps/v1/namespaces/default/deployments/web/scale';

  it('scale is read, replaced and patched', async () => {
    const other = await scaled();
    const read = await other.call('GET', SCALE);
    expect(read.json).toEqual({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: {
        name: 'web',
        namespace: 'default',
        uid: expect.any(String),
        resourceVersion: expect.any(String),
        creationTimestamp: expect.any(String),
      },
      spec: { replicas: 2 },
      status: { replicas: 0, selector: 'app=web' },
    });
    const replaced = await other.call('PUT', SCALE, { ...read.json, spec: { replicas: 5 } });
    expect([replaced.status, replaced.json]).toMatchObject([200, { kind: 'Scale', spec: { replicas: 5 } }]);
    const stale = await other.call('PUT', SCALE, { ...read.json, spec: { replicas: 6 } });
    expect(stale.status).toBe(409);
    const patched = await other.call(
      'PATCH',
      SCALE,
      { spec: { replicas: 7 } },
      { 'content-type': 'application/merge-patch+json' },
    );
    expect(patched.json).toMatchObject({ spec: { replicas: 7 } });
    const negative = await other.call(
      'PATCH',
      SCALE,
      { spec: { replicas: -1 } },
      { 'content-type': 'application/merge-patch+json' },
    );
    expect([negative.status, negative.json]).toMatchObject([
      422,
      {
        message: expect.stringContaining(
          'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
        ),
      },
    ]);
    const parent = await other.call('GET', '/apis/apps/v1/namespaces/default/deployments/web');
    expect(parent.json).toMatchObject({ spec: { replicas: 7 } });
  });

  it('scale comes in protobuf and as a table', async () => {
    const other = await scaled();
    const binary = await other.call('GET', SCALE, undefined, { accept: PROTOBUF });
    expect(decodeEnvelope(binary.bytes)).toMatchObject({ apiVersion: 'autoscaling/v1', kind: 'Scale' });
    expect((await other.call('GET', SCALE, undefined, { accept: TABLE })).json).toMatchObject({
      kind: 'Table',
      rows: [{ cells: ['web', 2, 0, '0s'] }],
    });
  });

  it('status is written without the rest', async () => {
    const path = '/api/v1/namespaces/default/status';
    const patch = { metadata: {}, status: { conditions: [{ type: 'X', status: 'True' }] } };
    const answer = await server.call('PATCH', path, patch, {
      'content-type': 'application/merge-patch+json',
    });
    expect([answer.status, answer.json]).toMatchObject([
      200,
      { kind: 'Namespace', status: { conditions: [{ type: 'X' }] } },
    ]);
    expect((await server.call('GET', path)).json).toMatchObject({
      kind: 'Namespace',
      metadata: { name: 'default' },
    });
  });

  it('binding sets the node, once, from either path', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    for (const name of ['bound', 'bound-too']) {
      await server.call('POST', pods, {
        metadata: { name },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      });
    }
    const binding = (name: string) => ({
      kind: 'Binding',
      apiVersion: 'v1',
      metadata: { name },
      target: { kind: 'Node', name: 'n1' },
    });
    const answer = await server.call('POST', `${pods}/bound/binding`, binding('bound'));
    expect([answer.status, answer.text]).toEqual([
      201,
      '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}\n',
    ]);
    expect(
      (await server.call('POST', '/api/v1/namespaces/default/bindings', binding('bound-too'))).status,
    ).toBe(201);
    expect((await server.call('GET', `${pods}/bound-too`)).json).toMatchObject({ spec: { nodeName: 'n1' } });
    expect((await server.call('POST', `${pods}/bound/binding`, binding('bound'))).status).toBe(409);
  });
});

describe('faults', () => {
  const broken = (error: unknown): ResourceRegistry => {
    const registry = Object.create(server.registry) as ResourceRegistry;
    registry.current = () => {
      throw error;
    };
    registry.list = () => Promise.reject(error);
    return registry;
  };

  it.each([
    ['at once', `${MAPS}/one`],
    ['later', MAPS],
  ])('of a handler that fails %s become a 500 with the stack in the log', async (_when, path) => {
    const faulty = await newTestServer({ registry: broken(new TypeError('x is not a function')) });
    const answer = await faulty.call('GET', path);
    expect([answer.status, answer.json]).toMatchObject([
      500,
      { reason: 'InternalError', message: 'Internal error occurred: x is not a function' },
    ]);
    expect(faulty.logs.join('\n')).toMatch(
      /ERROR request failed verb=\w+ path=\S+ error="TypeError: x is not a function\\n +at /,
    );
    expect((await faulty.call('GET', '/healthz')).status).toBe(200);
  });

  it('that are no errors are survived as well', async () => {
    const faulty = await newTestServer({ registry: broken('a string') });
    expect((await faulty.call('GET', `${MAPS}/one`)).status).toBe(500);
    expect((await faulty.call('GET', MAPS)).status).toBe(500);
  });

  it.each([
    ['by itself', '', 34_000],
    ['as asked', '?timeout=5s', 5000],
    ['as asked, but not longer', '?timeout=5m', 34_000],
  ])('a request that hangs ends %s', async (_name, query, limitMs) => {
    let asked!: () => void;
    const arrived = new Promise<void>((resolve) => (asked = resolve));
    const registry = Object.create(server.registry) as ResourceRegistry;
    registry.list = () => {
      asked();
      return new Promise(() => {});
    };
    const hanging = await newTestServer({ registry });
    const answer = hanging.call('GET', `${MAPS}${query}`);
    await arrived;
    expect(hanging.clock.nextDue()).toBe(hanging.clock.now() + limitMs);
    await hanging.clock.advance(limitMs);
    expect([(await answer).status, (await answer).json]).toMatchObject([
      504,
      { reason: 'Timeout', message: 'Timeout: request did not complete within the allotted timeout' },
    ]);
  });

  it('no timer is left behind by a finished request', async () => {
    const quiet = await newTestServer();
    await quiet.call('GET', MAPS);
    expect(quiet.clock.nextDue()).toBeUndefined();
  });
});

describe('a long answer', () => {
  it('is compressed only for those who read it', async () => {
    const object = configMap('long', { a: 'x'.repeat(140_000) });
    await server.call('POST', MAPS, object);
    const plain = await server.call('GET', `${MAPS}/long`, undefined, { 'accept-encoding': 'identity' });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(plain.bytes.length).toBeGreaterThan(140_000);
    const refused = await server.call('GET', `${MAPS}/long`, undefined, { 'accept-encoding': 'gzip;q=0' });
    expect(refused.headers.get('content-encoding')).toBeNull();
    const compressed = await server.call('GET', `${MAPS}/long`, undefined, { 'accept-encoding': 'br, gzip' });
    expect(compressed.headers.get('content-encoding')).toBe('gzip');
    expect(compressed.headers.get('vary')).toBe('Accept-Encoding');
    expect(compressed.bytes.length).toBeLessThan(10_000);
    const short = await server.call('GET', `${MAPS}/one`, undefined, { 'accept-encoding': 'gzip' });
    expect(short.headers.get('content-encoding')).toBeNull();
    expect(encodeObject(object).length).toBeGreaterThan(140_000);
  });
});
