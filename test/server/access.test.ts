/** Who may do what, and how those who may not are told. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../server/authn/authenticator.ts';
import { ADMIN_TOKEN, newTestServer, toAnswer, VIEWER_TOKEN, type TestServer } from './fixtures/server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
let server: TestServer;
beforeAll(async () => {
  server = await newTestServer();
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
