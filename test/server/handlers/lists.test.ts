/** Lists: empty, in pages, selected from, in every form, and deleted together. */
import { beforeAll, describe, expect, it } from 'vitest';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { decodeEnvelope } from '../../../api/machinery/protobuf/envelope.ts';
import { decodeProtobuf } from '../../../api/machinery/protobuf/decode.ts';
import { newTestServer, type TestServer } from '../fixtures/server.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
let server: TestServer;
beforeAll(async () => {
  server = await newTestServer();
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
