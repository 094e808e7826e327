import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { builtInDefinitions } from '../../../api/groups/index.ts';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { decodeEnvelope } from '../../../api/machinery/protobuf/envelope.ts';
import { decodeProtobuf } from '../../../api/machinery/protobuf/decode.ts';
import { newTestServer, type TestServer } from '../fixtures/server.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const KUBECTL = `${AGGREGATED},application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json`;

interface AggregatedVersion {
  version: string;
  freshness: string;
  resources: { resource: string; subresources?: { subresource: string }[] }[];
}

interface Aggregated {
  items: { metadata: { name?: string }; versions: AggregatedVersion[] }[];
}

let server: TestServer;
beforeAll(async () => {
  server = await newTestServer({ serverAddress: () => '127.0.0.1:6443' });
});

const get = (path: string, headers: Record<string, string> = {}) =>
  server.call('GET', path, undefined, headers);

describe('legacy discovery', () => {
  it.each([
    [
      '/api',
      '{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":"127.0.0.1:6443"}]}\n',
    ],
    [
      '/apis/batch',
      '{"kind":"APIGroup","apiVersion":"v1","name":"batch","versions":[{"groupVersion":"batch/v1","version":"v1"}],"preferredVersion":{"groupVersion":"batch/v1","version":"v1"}}\n',
    ],
    [
      '/apis/batch/',
      '{"kind":"APIGroup","apiVersion":"v1","name":"batch","versions":[{"groupVersion":"batch/v1","version":"v1"}],"preferredVersion":{"groupVersion":"batch/v1","version":"v1"}}\n',
    ],
  ])('%s', async (path, text) => {
    const answer = await get(path);
    expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([
      200,
      'application/json',
      text,
    ]);
  });

  it('lists groups in the order of their priority', async () => {
    const { json } = await get('/apis');
    const groups = (json as unknown as { groups: { name: string; preferredVersion: { version: string } }[] })
      .groups;
    expect(groups.map(({ name }) => name).slice(0, 7)).toEqual([
      'apiregistration.k8s.io',
      'apps',
      'events.k8s.io',
      'authentication.k8s.io',
      'authorization.k8s.io',
      'autoscaling',
      'batch',
    ]);
    expect(groups.find(({ name }) => name === 'autoscaling')).toMatchObject({
      preferredVersion: { version: 'v2' },
    });
  });

  it('describes resources in the key order of the wire', async () => {
    const { text, json } = await get('/api/v1');
    expect(text).toMatch(
      /^\{"kind":"APIResourceList","groupVersion":"v1","resources":\[\{"name":"bindings","singularName":"binding","namespaced":true,"kind":"Binding","verbs":\["create"\]\},/,
    );
    const hash = createHash('sha256').update('/v1/Pod').digest().subarray(0, 8).toString('base64');
    expect(text).toContain(
      `{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"shortNames":["po"],"categories":["all"],"storageVersionHash":"${hash}"}`,
    );
    expect(text).toContain(
      '{"name":"pods/eviction","singularName":"","namespaced":true,"group":"policy","version":"v1","kind":"Eviction","verbs":["create"]}',
    );
    expect(text).toContain(
      '{"name":"pods/status","singularName":"","namespaced":true,"kind":"Pod","verbs":["get","patch","update"]}',
    );
    const names = (json as unknown as { resources: { name: string }[] }).resources.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
  });

  it('tells the group of scale', async () => {
    const { text } = await get('/apis/apps/v1');
    expect(text).toMatch(
      /^\{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps\/v1","resources":\[/,
    );
    expect(text).toContain(
      '{"name":"deployments/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1","kind":"Scale","verbs":["get","patch","update"]}',
    );
  });

  it('comes in protobuf and YAML', async () => {
    const json = (await get('/apis/apps/v1')).json as unknown as { resources: object[] };
    const binary = await get('/apis/apps/v1', { accept: 'application/vnd.kubernetes.protobuf' });
    const { kind, raw } = decodeEnvelope(binary.bytes);
    expect(kind).toBe('APIResourceList');
    expect(
      decodeProtobuf(builtInSchema('io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList'), raw),
    ).toMatchObject({ resources: json.resources });
    expect((await get('/apis/apps', { accept: 'application/yaml' })).text).toMatch(
      /^apiVersion: v1\nkind: APIGroup\nname: apps\n/,
    );
  });

  it('refuses what it cannot be', async () => {
    expect((await get('/apis', { accept: 'text/html' })).status).toBe(406);
  });
});

describe('aggregated discovery', () => {
  it.each([
    ['/api', KUBECTL, 'application/json'],
    ['/apis', KUBECTL, 'application/json'],
    ['/apis', `${AGGREGATED};profile=nopeer,application/json`, 'application/json'],
    [
      '/apis',
      'application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      'application/vnd.kubernetes.protobuf',
    ],
  ])('%s is told in the content type for %s', async (path, accept, type) => {
    const { headers } = await get(path, { accept });
    expect(headers.get('content-type')).toBe(`${type};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`);
    expect(headers.get('etag')).toMatch(/^"[0-9A-F]{128}"$/);
    expect([headers.get('vary'), headers.get('cache-control')]).toEqual(['Accept', 'public']);
  });

  it.each([
    ['nothing', ''],
    ['plain JSON', 'application/json'],
    [
      'an old version only',
      'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json',
    ],
    ['plain JSON first', `application/json,${AGGREGATED}`],
    ['anything', '*/*'],
  ])('is not served to who asks for %s', async (_name, accept) => {
    expect((await get('/apis', { accept })).json).toMatchObject({ kind: 'APIGroupList' });
  });

  it('holds every group and resource once', async () => {
    const core = (await get('/api', { accept: KUBECTL })).json as unknown as Aggregated;
    expect(core.items).toHaveLength(1);
    expect(core.items[0]!.metadata).toEqual({});
    const pods = core.items[0]!.versions[0]!.resources.find(({ resource }) => resource === 'pods')!;
    expect(pods).toMatchObject({
      responseKind: { group: '', version: 'v1', kind: 'Pod' },
      scope: 'Namespaced',
      singularResource: 'pod',
      shortNames: ['po'],
      categories: ['all'],
    });
    expect(pods.subresources).toContainEqual({
      subresource: 'eviction',
      responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' },
      verbs: ['create'],
    });
    const others = (await get('/apis', { accept: KUBECTL })).json as unknown as Aggregated;
    const legacy = (await get('/apis')).json as unknown as { groups: { name: string }[] };
    expect(others.items.map(({ metadata }) => metadata.name)).toEqual(legacy.groups.map(({ name }) => name));
    expect(others.items.flatMap(({ versions }) => versions.map(({ freshness }) => freshness))).not.toContain(
      'Stale',
    );
    const autoscaling = others.items.find(({ metadata }) => metadata.name === 'autoscaling')!;
    expect(autoscaling.versions.map(({ version }) => version)).toEqual(['v2', 'v1']);
  });

  it('is not sent again to who has it', async () => {
    const { headers } = await get('/apis', { accept: KUBECTL });
    const again = await get('/apis', { accept: KUBECTL, 'if-none-match': headers.get('etag')! });
    expect([again.status, again.text]).toEqual([304, '']);
    expect(again.headers.get('etag')).toBe(headers.get('etag'));
  });

  it('follows kinds that come and go', async () => {
    const other = await newTestServer();
    const read = () => other.call('GET', '/apis', undefined, { accept: KUBECTL });
    const before = await read();
    const definition = {
      ...builtInDefinitions().find(({ names }) => names.plural === 'configmaps')!,
      group: 'example.com',
    };
    other.definitions.add(definition);
    const during = await read();
    expect(during.headers.get('etag')).not.toBe(before.headers.get('etag'));
    expect((during.json as unknown as Aggregated).items.at(-1)).toMatchObject({
      metadata: { name: 'example.com' },
      versions: [{ resources: [{ resource: 'configmaps' }] }],
    });
    expect((await other.call('GET', '/apis/example.com')).status).toBe(200);
    other.definitions.remove('example.com', 'configmaps');
    expect((await read()).headers.get('etag')).toBe(before.headers.get('etag'));
    expect((await other.call('GET', '/apis/example.com')).status).toBe(404);
  });
});
