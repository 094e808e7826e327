/** Scale, status and bindings, and what each leaves alone. */
import { beforeAll, describe, expect, it } from 'vitest';
import { builtInDefinitions } from '../../../api/groups/index.ts';
import { decodeEnvelope } from '../../../api/machinery/protobuf/envelope.ts';
import { deployment, newTestServer, type TestServer } from '../fixtures/server.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
let server: TestServer;
beforeAll(async () => {
  server = await newTestServer();
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
