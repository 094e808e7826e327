import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedFieldsEntry, UnknownObject } from '../../../api/machinery/object-meta.ts';
import {
  configMap,
  deployment,
  newTestServer,
  VIEWER_TOKEN,
  type Answer,
  type TestServer,
} from '../fixtures/server.ts';

const APPLY = 'application/apply-patch+yaml';
const MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

describe('server-side apply', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await newTestServer();
  });

  const apply = (path: string, config: unknown, query: string): Promise<Answer> =>
    server.call('PATCH', `${path}?${query}`, JSON.stringify(config), { 'content-type': APPLY });
  const managersOf = (answer: Answer): ManagedFieldsEntry[] =>
    (answer.json as unknown as UnknownObject).metadata.managedFields ?? [];
  const owners = (answer: Answer): string[] =>
    managersOf(answer).map(({ manager, operation, subresource = '', fieldsV1 }) =>
      [manager, operation, subresource, JSON.stringify(fieldsV1)].join(' ').replace('  ', ' '),
    );
  const get = (path: string): Promise<Answer> => server.call('GET', path);

  it('creates what is missing, and changes nothing when it is applied again', async () => {
    const created = await apply(`${MAPS}/a`, configMap('a'), 'fieldManager=me');
    expect([created.status, owners(created)]).toEqual([201, ['me Apply {"f:data":{"f:a":{}}}']]);
    expect(managersOf(created)[0]).toMatchObject({ apiVersion: 'v1', time: '2026-01-01T00:00:00Z' });
    await server.clock.advance(5000);
    const again = await apply(`${MAPS}/a`, configMap('a'), 'fieldManager=me');
    expect([again.status, again.text]).toEqual([200, created.text]);
  });

  it('tells conflicts field by field, takes the fields by force, and drops what is applied no longer', async () => {
    await apply(`${MAPS}/a`, configMap('a', { x: '1', y: '1' }), 'fieldManager=one');
    const refused = await apply(`${MAPS}/a`, configMap('a', { x: '2', y: '2' }), 'fieldManager=two');
    expect([refused.status, refused.json]).toEqual([
      409,
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.x\n- .data.y',
        reason: 'Conflict',
        details: {
          causes: [
            { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.x' },
            { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.y' },
          ],
        },
        code: 409,
      },
    ]);
    const forced = await apply(`${MAPS}/a`, configMap('a', { x: '2' }), 'fieldManager=two&force=true');
    expect([forced.json['data'], owners(forced)]).toEqual([
      { x: '2', y: '1' },
      ['one Apply {"f:data":{"f:y":{}}}', 'two Apply {"f:data":{"f:x":{}}}'],
    ]);
    const emptied = await apply(`${MAPS}/a`, configMap('a', {}), 'fieldManager=one');
    expect(emptied.json['data']).toEqual({ x: '2' });
  });

  it('names updating managers with their version, by user agent when no name is given', async () => {
    await server.call('POST', DEPLOYMENTS, deployment('a', 2), { 'user-agent': 'tool/1.2 (linux)' });
    const config = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'a' },
      spec: { replicas: 3 },
    };
    const refused = await apply(`${DEPLOYMENTS}/a`, config, 'fieldManager=me');
    expect(refused.json['message']).toBe(
      'Apply failed with 1 conflict: conflict with "tool" using apps/v1: .spec.replicas',
    );
  });

  it('shares fields of one value, and keeps them while one of the managers wants them', async () => {
    await apply(`${MAPS}/a`, configMap('a', { x: '1', y: '1' }), 'fieldManager=one');
    await apply(`${MAPS}/a`, configMap('a', { x: '1' }), 'fieldManager=two');
    const without = await apply(`${MAPS}/a`, configMap('a', { y: '1' }), 'fieldManager=one');
    expect(without.json['data']).toEqual({ x: '1', y: '1' });
    const gone = await apply(
      `${MAPS}/a`,
      { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' } },
      'fieldManager=two',
    );
    expect(gone.json['data']).toEqual({ y: '1' });
  });

  it('merges lists by key and replaces atomic ones', async () => {
    await server.call('POST', DEPLOYMENTS, deployment('a'));
    const config = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'a' },
      spec: { template: { spec: { containers: [{ name: 'side', image: 'side:1', args: ['x'] }] } } },
    };
    const merged = await apply(`${DEPLOYMENTS}/a`, config, 'fieldManager=me');
    const { spec } = merged.json as { spec: { template: { spec: { containers: { name: string }[] } } } };
    expect(spec.template.spec.containers.map(({ name }) => name)).toEqual(['main', 'side']);
    expect(owners(merged)[0]).toBe(
      'me Apply {"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\\"name\\":\\"side\\"}":{".":{},"f:args":{},"f:image":{},"f:name":{}}}}}}}',
    );
  });

  it('converts between versions of a kind', async () => {
    const path = (version: string): string =>
      `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
    const scaler = {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'a' },
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'a', apiVersion: 'apps/v1' },
        maxReplicas: 5,
        targetCPUUtilizationPercentage: 50,
      },
    };
    await apply(`${path('v1')}/a`, scaler, 'fieldManager=old');
    const config = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'a' },
      spec: { maxReplicas: 6 },
    };
    const refused = await apply(`${path('v2')}/a`, config, 'fieldManager=new');
    expect(refused.json['message']).toBe(
      'Apply failed with 1 conflict: conflict with "old": .spec.maxReplicas',
    );
    const forced = await apply(`${path('v2')}/a`, config, 'fieldManager=new&force=true');
    expect(
      managersOf(forced)
        .map(({ apiVersion }) => apiVersion)
        .reverse(),
    ).toEqual(['autoscaling/v1', 'autoscaling/v2']);
    expect(owners(forced)[1]).toBe(
      'old Apply {"f:spec":{"f:scaleTargetRef":{},"f:targetCPUUtilizationPercentage":{}}}',
    );
    const { targetCPUUtilizationPercentage: _, ...spec } = scaler.spec;
    const pruned = await apply(
      `${path('v1')}/a`,
      { ...scaler, spec: { ...spec, maxReplicas: 6 } },
      'fieldManager=old',
    );
    // In v2, where the other manager is at home, v1 without a target has the default one: the metrics are not gone.
    expect((pruned.json as { spec: object }).spec).toEqual({
      ...spec,
      minReplicas: 1,
      maxReplicas: 6,
      targetCPUUtilizationPercentage: 50,
    });
  });

  it('leaves no trace when it is a dry run', async () => {
    const created = await apply(`${MAPS}/a`, configMap('a'), 'fieldManager=me&dryRun=All');
    expect([created.status, owners(created).length, (await get(`${MAPS}/a`)).status]).toEqual([201, 1, 404]);
  });

  it('needs the permission to create what is missing', async () => {
    const only = await newTestServer({
      authorizer: {
        authorize: ({ verb, user }) => ({
          decision: user.name === 'admin' || verb !== 'create' ? 'allow' : 'no-opinion',
        }),
      },
    });
    const headers = { authorization: `Bearer ${VIEWER_TOKEN}` };
    const refusal = (resource: string): unknown[] => [
      403,
      `${resource} "a" is forbidden: User "viewer" cannot create resource "${resource}" in API group "" in the namespace "default"`,
    ];
    const applied = await only.call('PATCH', `${MAPS}/a?fieldManager=me`, JSON.stringify(configMap('a')), {
      'content-type': APPLY,
      ...headers,
    });
    expect([applied.status, applied.json['message']]).toEqual(refusal('configmaps'));
    const limits = { kind: 'LimitRange', apiVersion: 'v1', metadata: { name: 'a' } };
    const put = await only.call('PUT', '/api/v1/namespaces/default/limitranges/a', limits, headers);
    expect([put.status, put.json['message']]).toEqual(refusal('limitranges'));
  });

  it('creates with a resourceVersion that stands for nothing', async () => {
    const config = { ...configMap('a'), metadata: { name: 'a', resourceVersion: '1' } };
    expect((await apply(`${MAPS}/a`, config, 'fieldManager=me')).status).toBe(201);
  });

  it('owns only what a part of a pod takes', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    const container = { name: 'main', image: 'nginx:1', resources: { requests: { cpu: '1' } } };
    const pod = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' }, spec: { containers: [container] } };
    expect((await server.call('POST', `${pods}?fieldManager=maker`, pod)).status).toBe(201);
    const resources = { requests: { cpu: '2' } };
    const resize = {
      ...pod,
      metadata: { name: 'a', labels: { not: 'taken' } },
      spec: { containers: [{ name: 'main', resources }] },
    };
    const resized = await apply(`${pods}/a/resize`, resize, 'fieldManager=me&force=true');
    expect([resized.status, owners(resized)[0]]).toEqual([
      200,
      'me Apply resize {"f:spec":{"f:containers":{"k:{\\"name\\":\\"main\\"}":{".":{},"f:resources":{"f:requests":{"f:cpu":{}}}}}}}',
    ]);
  });

  describe('refuses', () => {
    const meta = { name: 'a' };
    it.each([
      [
        'no field manager',
        configMap('a'),
        '',
        422,
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      ],
      [
        'a name that cannot be printed',
        configMap('a'),
        'fieldManager=a%07',
        422,
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\a": invalid character U+0007 (at position 1)',
      ],
      [
        'managed fields',
        { ...configMap('a'), metadata: { ...meta, managedFields: [] } },
        'fieldManager=me',
        400,
        'metadata.managedFields must be nil',
      ],
      [
        'another kind',
        { kind: 'Secret', apiVersion: 'v1', metadata: meta },
        'fieldManager=me',
        400,
        'invalid object type: /v1, Kind=Secret',
      ],
      ['no kind', { metadata: meta }, 'fieldManager=me', 400, 'invalid object type: /, Kind='],
      [
        'an unknown field',
        { ...configMap('a'), bogus: 1 },
        'fieldManager=me',
        500,
        'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .bogus: field not declared in schema',
      ],
      [
        'a value of the wrong type',
        { ...configMap('a'), data: { a: 1 } },
        'fieldManager=me',
        500,
        'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:1}',
      ],
      [
        'another name',
        configMap('b'),
        'fieldManager=me',
        400,
        'the name of the object (b) does not match the name on the URL (a)',
      ],
      [
        'no name',
        { kind: 'ConfigMap', apiVersion: 'v1' },
        'fieldManager=me',
        400,
        'the name of the object (a based on URL) was undeterminable: name must be provided',
      ],
      [
        'another namespace',
        { ...configMap('a'), metadata: { ...meta, namespace: 'other' } },
        'fieldManager=me',
        400,
        'the namespace of the provided object does not match the namespace sent on the request',
      ],
      [
        'the UID of something missing',
        { ...configMap('a'), metadata: { ...meta, uid: 'u' } },
        'fieldManager=me',
        409,
        'Operation cannot be fulfilled on configmaps "a": uid mismatch: the provided object specified uid u, and no existing object was found',
      ],
      [
        'a list',
        ['a'],
        'fieldManager=me',
        400,
        'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}',
      ],
    ])('%s', async (_name, config, query, status, message) => {
      const answer = await apply(`${MAPS}/a`, config, query);
      expect([answer.status, answer.json['message']]).toEqual([status, message]);
      expect((await get(`${MAPS}/a`)).status).toBe(404);
    });

    it('an outdated resourceVersion', async () => {
      await apply(`${MAPS}/a`, configMap('a'), 'fieldManager=me');
      const config = { ...configMap('a', { a: '2' }), metadata: { name: 'a', resourceVersion: '1' } };
      const answer = await apply(`${MAPS}/a`, config, 'fieldManager=me');
      expect([answer.status, answer.json['reason']]).toEqual([409, 'Conflict']);
    });

    it('keys that stand twice, when asked to', async () => {
      const body = 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {a: "1", a: "2"}\n';
      const send = (validation: string): Promise<Answer> =>
        server.call('PATCH', `${MAPS}/a?fieldManager=me&fieldValidation=${validation}`, body, {
          'content-type': APPLY,
        });
      const strict = await send('Strict');
      expect([strict.status, strict.json['message']]).toEqual([
        400,
        'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 4: key "a" already set in map',
      ]);
      const warned = await send('Warn');
      expect([warned.status, warned.headers.get('warning')]).toEqual([
        201,
        '299 - "line 4: key \\"a\\" already set in map"',
      ]);
    });

    it('a status of something missing', async () => {
      const config = {
        kind: 'Deployment',
        apiVersion: 'apps/v1',
        metadata: { name: 'a' },
        status: { replicas: 1 },
      };
      expect((await apply(`${DEPLOYMENTS}/a/status`, config, 'fieldManager=me')).status).toBe(404);
    });
  });

  it('goes on from what kubectl applied without it', async () => {
    const config = (image: string): Record<string, unknown> => ({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'a', namespace: 'default' },
      data: { image },
    });
    const last = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(config('1')) };
    await server.call('POST', `${MAPS}?fieldManager=kubectl-client-side-apply`, {
      ...config('1'),
      metadata: { name: 'a', annotations: last },
    });
    const applied = await apply(`${MAPS}/a`, config('2'), 'fieldManager=kubectl');
    expect([applied.status, applied.json['data']]).toEqual([200, { image: '2' }]);
    const { annotations } = (applied.json as unknown as UnknownObject).metadata;
    expect(JSON.parse(annotations!['kubectl.kubernetes.io/last-applied-configuration']!)).toEqual(
      config('2'),
    );
    const other = await apply(`${MAPS}/a`, config('3'), 'fieldManager=other');
    expect(other.status).toBe(409);
  });

  it('owns status apart from the rest', async () => {
    await server.call('POST', `${DEPLOYMENTS}?fieldManager=maker`, deployment('a'));
    const config = {
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: { name: 'a' },
      spec: { replicas: 9 },
      status: { replicas: 2 },
    };
    const answer = await apply(`${DEPLOYMENTS}/a/status`, config, 'fieldManager=me');
    expect([answer.status, (answer.json as { spec: { replicas: number } }).spec.replicas]).toEqual([200, 1]);
    expect(owners(answer)[0]).toBe('me Apply status {"f:status":{"f:replicas":{}}}');
  });
});
