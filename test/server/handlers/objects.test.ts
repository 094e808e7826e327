/** An object from its creation to its end, in every form it can be sent and read in. */
import { beforeAll, describe, expect, it } from 'vitest';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { decodeEnvelope, encodeEnvelope } from '../../../api/machinery/protobuf/envelope.ts';
import { decodeProtobuf } from '../../../api/machinery/protobuf/decode.ts';
import { encodeProtobuf } from '../../../api/machinery/protobuf/encode.ts';
import { configMap, newTestServer, type TestServer } from '../fixtures/server.ts';

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
