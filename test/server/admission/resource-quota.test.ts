import { beforeEach, describe, expect, it } from 'vitest';
import { newTestServer, type Answer, type TestServer } from '../fixtures/server.ts';

const DEFAULT = '/api/v1/namespaces/default';

describe('ResourceQuota', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await newTestServer();
  });

  /** A quota that the controller has seen. */
  const allow = async (hard: Record<string, string>, scopes?: string[]): Promise<void> => {
    const quota = { metadata: { name: 'q' }, spec: { hard, ...(scopes === undefined ? {} : { scopes }) } };
    const created = await server.call('POST', `${DEFAULT}/resourcequotas`, quota);
    const used = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']));
    await server.call('PUT', `${DEFAULT}/resourcequotas/q/status`, {
      ...created.json,
      status: { hard, used },
    });
  };
  const pod = (name: string, resources: object = {}, more: object = {}): Promise<Answer> =>
    server.call('POST', `${DEFAULT}/pods`, {
      metadata: { name },
      spec: { containers: [{ name: 'web', image: 'nginx', resources }], ...more },
    });
  const told = ({ status, json }: Answer): unknown => (status < 300 ? status : json['message']);

  it('lets through no more than there is room for, however many come at once', async () => {
    await allow({ pods: '3' });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => pod(`p${index}`)));
    const statuses = answers.map(({ status }) => status);
    expect([201, 403].map((status) => statuses.filter((each) => each === status).length)).toEqual([3, 7]);
    expect(told(await pod('late'))).toBe(
      'pods "late" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3',
    );
  });

  it('says in its status what was admitted before the answer comes', async () => {
    await allow({ pods: '30', 'requests.cpu': '9', secrets: '3' });
    const requests = { cpu: '250m' };
    const status = async (): Promise<unknown> =>
      (await server.call('GET', `${DEFAULT}/resourcequotas/q`)).json['status'];
    await pod('first', { requests });
    expect(await status()).toMatchObject({ used: { pods: '1', 'requests.cpu': '250m', secrets: '0' } });
    await Promise.all(Array.from({ length: 20 }, (_, index) => pod(`p${index}`, { requests })));
    expect(await status()).toMatchObject({ used: { pods: '21', 'requests.cpu': '5250m', secrets: '0' } });
    expect((await pod('first', { requests })).status).toBe(409);
    expect(await status()).toMatchObject({ used: { pods: '21', 'requests.cpu': '5250m', secrets: '0' } });
    const { json } = await server.call('GET', `${DEFAULT}/resourcequotas/q`);
    expect(json['metadata']).toMatchObject({
      managedFields: expect.arrayContaining([
        expect.objectContaining({ manager: 'kube-apiserver', subresource: 'status' }),
      ]),
    });
  });

  it('gives back what a failed write had taken', async () => {
    await allow({ 'count/configmaps': '2' });
    const map = (name: string): Promise<Answer> =>
      server.call('POST', `${DEFAULT}/configmaps`, { metadata: { name } });
    expect([(await map('a')).status, (await map('a')).status, (await map('b')).status]).toEqual([
      201, 409, 201,
    ]);
    expect(told(await map('c'))).toBe(
      'configmaps "c" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=2, limited: count/configmaps=2',
    );
    await server.call('DELETE', `${DEFAULT}/configmaps/a`);
    expect((await map('c')).status).toBe(201);
  });

  it('wants to be told what it counts, and counts it', async () => {
    await allow({ 'requests.cpu': '1', 'limits.memory': '1Gi' });
    const half = { requests: { cpu: '600m' }, limits: { memory: '512Mi', cpu: '1' } };
    expect([told(await pod('a')), told(await pod('b', half)), told(await pod('c', half))]).toEqual([
      'pods "a" is forbidden: failed quota: q: must specify limits.memory for: web; requests.cpu for: web',
      201,
      'pods "c" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
    ]);
  });

  it('does not take dry runs for uses', async () => {
    await allow({ pods: '1' });
    const dry = await server.call('POST', `${DEFAULT}/pods?dryRun=All`, {
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'web', image: 'nginx' }] },
    });
    expect([dry.status, (await pod('a')).status, (await pod('b')).status]).toEqual([201, 201, 403]);
  });

  it('looks at the pods of its scopes alone', async () => {
    await allow({ pods: '1' }, ['Terminating']);
    const short = { activeDeadlineSeconds: 10 };
    const answers = [await pod('a'), await pod('b', {}, short), await pod('c', {}, short), await pod('d')];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 403, 201]);
  });

  it('charges a change for what it adds', async () => {
    await allow({ 'services.nodeports': '1' });
    const service = { metadata: { name: 's' }, spec: { ports: [{ name: 'a', port: 80 }] } };
    const created = await server.call('POST', `${DEFAULT}/services`, service);
    const change = (ports: object[]): Promise<Answer> =>
      server.call('PATCH', `${DEFAULT}/services/s`, JSON.stringify({ spec: { type: 'NodePort', ports } }), {
        'content-type': 'application/merge-patch+json',
      });
    const ports = [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ];
    expect([created.status, (await change(ports.slice(0, 1))).status, told(await change(ports))]).toEqual([
      201,
      200,
      'services "s" is forbidden: exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
    ]);
  });
});
