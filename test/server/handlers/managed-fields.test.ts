/** The managedFields of writes that are no apply. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedFieldsEntry, UnknownObject } from '../../../api/machinery/object-meta.ts';
import { configMap, deployment, newTestServer, type Answer, type TestServer } from '../fixtures/server.ts';

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

describe('managed fields of other writes', () => {
  let server: TestServer;
  const patch = (path: string, type: string, body: unknown): Promise<Answer> =>
    server.call('PATCH', path, body, { 'content-type': type });
  const entries = (answer: Answer): ManagedFieldsEntry[] =>
    (answer.json as unknown as UnknownObject).metadata.managedFields ?? [];

  beforeEach(async () => {
    server = await newTestServer();
  });

  it('say who created what, without defaults of the server and status', async () => {
    const body = { ...deployment('a'), status: { replicas: 7 } };
    const created = await server.call('POST', `${DEPLOYMENTS}?fieldManager=maker`, body);
    expect(entries(created)).toEqual([
      {
        manager: 'maker',
        operation: 'Update',
        apiVersion: 'apps/v1',
        time: '2026-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: expect.objectContaining({
          'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        }) as unknown,
      },
    ]);
    expect(created.text).toContain(
      '"f:strategy":{"f:rollingUpdate":{".":{},"f:maxSurge":{},"f:maxUnavailable":{}},"f:type":{}}',
    );
    expect(created.text).not.toContain('f:status');
  });

  it('keep their time and the revision when nothing changes, and name who changed a field last', async () => {
    await server.call('POST', `${MAPS}?fieldManager=one`, configMap('a', { x: '1', y: '1' }));
    await server.clock.advance(3000);
    const same = await patch(`${MAPS}/a?fieldManager=two`, MERGE, { data: { x: '1' } });
    expect(entries(same).map(({ manager, time }) => [manager, time])).toEqual([
      ['one', '2026-01-01T00:00:00Z'],
    ]);
    const changed = await patch(`${MAPS}/a?fieldManager=two`, MERGE, { data: { x: '2' } });
    expect(entries(changed).map(({ manager, time, fieldsV1 }) => [manager, time, fieldsV1])).toEqual([
      ['one', '2026-01-01T00:00:00Z', { 'f:data': { '.': {}, 'f:y': {} } }],
      ['two', '2026-01-01T00:00:03Z', { 'f:data': { 'f:x': {} } }],
    ]);
  });

  it.each([
    ['no entry', []],
    ['an empty entry', [{}]],
  ])('are reset by %s', async (_name, managedFields) => {
    await server.call('POST', MAPS, configMap('a'));
    const put = await server.call('PUT', `${MAPS}/a`, {
      ...configMap('a'),
      metadata: { name: 'a', managedFields },
    });
    expect([put.status, entries(put)]).toEqual([200, []]);
    const later = await patch(`${MAPS}/a?fieldManager=two`, MERGE, { data: { x: '2' } });
    expect(entries(later)).toEqual([]);
    const applied = await server.call('PATCH', `${MAPS}/a?fieldManager=me`, JSON.stringify(configMap('a')), {
      'content-type': APPLY,
    });
    expect(entries(applied).map(({ manager, operation }) => `${manager} ${operation}`)).toEqual([
      'me Apply',
      'before-first-apply Update',
    ]);
  });

  it('can be edited, and stay as they are when what is given cannot be read', async () => {
    await server.call('POST', `${MAPS}?fieldManager=kubectl-client-side-apply`, configMap('a'));
    const renamed = await patch(`${MAPS}/a?fieldManager=x`, JSON_PATCH, [
      { op: 'replace', path: '/metadata/managedFields/0/manager', value: 'kubectl' },
      { op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Apply' },
    ]);
    expect(entries(renamed)).toMatchObject([{ manager: 'kubectl', operation: 'Apply' }]);
    const bad = await patch(`${MAPS}/a?fieldManager=x`, JSON_PATCH, [
      { op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Other' },
    ]);
    expect([bad.status, entries(bad)]).toMatchObject([200, [{ manager: 'kubectl', operation: 'Apply' }]]);
  });

  it('of status and scale are kept apart; scale has no time', async () => {
    await server.call('POST', `${DEPLOYMENTS}?fieldManager=maker`, deployment('a'));
    const status = await patch(`${DEPLOYMENTS}/a/status?fieldManager=other`, MERGE, {
      status: { replicas: 1 },
    });
    expect(entries(status)).toMatchObject([
      { manager: 'maker' },
      { manager: 'other', subresource: 'status' },
    ]);
    const scaled = await patch(`${DEPLOYMENTS}/a/scale?fieldManager=scaler`, MERGE, {
      spec: { replicas: 4 },
    });
    expect([scaled.status, (scaled.json as unknown as UnknownObject).metadata.managedFields]).toEqual([
      200,
      undefined,
    ]);
    const after = await server.call('GET', `${DEPLOYMENTS}/a`);
    expect(entries(after).find(({ manager }) => manager === 'scaler')).toEqual({
      manager: 'scaler',
      operation: 'Update',
      apiVersion: 'apps/v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
      subresource: 'scale',
    });
    expect(JSON.stringify(entries(after).find(({ manager }) => manager === 'maker'))).not.toContain(
      'f:replicas',
    );
  });

  it('of a scale that is applied belong to whoever applies it', async () => {
    await server.call('POST', `${DEPLOYMENTS}?fieldManager=maker`, deployment('a'));
    const scale = {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'a' },
      spec: { replicas: 5 },
    };
    const send = (query: string): Promise<Answer> =>
      server.call('PATCH', `${DEPLOYMENTS}/a/scale?${query}`, JSON.stringify(scale), {
        'content-type': APPLY,
      });
    expect((await send('fieldManager=me')).json['message']).toBe(
      'Apply failed with 1 conflict: conflict with "maker" using autoscaling/v1: .spec.replicas',
    );
    expect((await send('fieldManager=me&force=true')).json).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 5 },
    });
    expect(entries(await server.call('GET', `${DEPLOYMENTS}/a`))[0]).toMatchObject({
      manager: 'me',
      operation: 'Apply',
      subresource: 'scale',
    });
  });

  it('are at most ten of updates; older ones are bundled', async () => {
    await server.call('POST', `${MAPS}?fieldManager=writer-00`, configMap('a', { k00: '1' }));
    for (let index = 1; index <= 12; index++) {
      await server.clock.advance(1000);
      const name = String(index).padStart(2, '0');
      await patch(`${MAPS}/a?fieldManager=writer-${name}`, MERGE, { data: { [`k${name}`]: '1' } });
    }
    const found = entries(await server.call('GET', `${MAPS}/a`));
    expect(found.map(({ manager }) => manager)).toEqual([
      'ancient-changes',
      ...Array.from({ length: 9 }, (_, index) => `writer-${String(index + 4).padStart(2, '0')}`),
    ]);
    expect(found[0]).toMatchObject({
      time: '2026-01-01T00:00:03Z',
      fieldsV1: { 'f:data': { '.': {}, 'f:k00': {}, 'f:k01': {}, 'f:k02': {}, 'f:k03': {} } },
    });
  });

  it('go through protobuf unchanged', async () => {
    await server.call('POST', DEPLOYMENTS, deployment('a'));
    const plain = await server.call('GET', `${DEPLOYMENTS}/a`);
    const type = 'application/vnd.kubernetes.protobuf';
    const binary = await server.call('GET', `${DEPLOYMENTS}/a`, undefined, { accept: type });
    const put = await server.call('PUT', `${DEPLOYMENTS}/a?fieldManager=other`, binary.bytes, {
      'content-type': type,
    });
    expect([put.status, put.text]).toEqual([200, plain.text]);
  });
});
