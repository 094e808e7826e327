import { describe, expect, it } from 'vitest';
import { createAuthenticator, type AuthenticationOptions } from '../../../server/authn/authenticator.ts';
import { attributesOf, newAccessDenied } from '../../../server/authz/attributes.ts';
import { privilegedGroup, unionAuthorizer, type Authorizer } from '../../../server/authz/authorizer.ts';
import { everybody } from '../../../server/authz/everybody.ts';
import type { RequestEnvironment } from '../../../server/exchange.ts';
import { parseRequestInfo } from '../../../server/filters/request-info.ts';

const OPTIONS: AuthenticationOptions = {
  tokens: [{ token: 'secret', user: { name: 'robot', uid: '7', groups: ['bots'] } }],
  tokenAuthenticators: [
    {
      authenticate: (token) =>
        token === 'signed' ? { user: { name: 'signer', groups: [] }, audiences: [] } : undefined,
    },
  ],
};
const jane = { verified: true, commonName: 'jane', organizations: ['devs'] };

const identify = async (authorization?: string, environment: RequestEnvironment = {}, options = OPTIONS) => {
  const headers = new Headers(authorization === undefined ? {} : { authorization });
  const user = await createAuthenticator(options).authenticate(headers, environment);
  return user === undefined ? 'refused' : [user.name, ...user.groups].join(' ');
};

describe('createAuthenticator', () => {
  it.each<[string, string | undefined, RequestEnvironment, string]>([
    ['a known token', 'Bearer secret', {}, 'robot bots system:authenticated'],
    ['a token of another sort', 'bearer  signed', {}, 'signer system:authenticated'],
    ['an unknown token', 'Bearer wrong', {}, 'refused'],
    ['another scheme', 'Basic secret', {}, 'refused'],
    ['an empty token', 'Bearer ', {}, 'refused'],
    ['nothing', undefined, {}, 'refused'],
    ['a certificate', undefined, { clientCertificate: jane }, 'jane devs system:authenticated'],
    [
      'a certificate before a token',
      'Bearer secret',
      { clientCertificate: jane },
      'jane devs system:authenticated',
    ],
    ['a bad certificate', undefined, { clientCertificate: { ...jane, verified: false } }, 'refused'],
    [
      'a bad certificate and a good token',
      'Bearer secret',
      { clientCertificate: { ...jane, verified: false } },
      'robot bots system:authenticated',
    ],
    [
      'a certificate without a name',
      undefined,
      { clientCertificate: { ...jane, commonName: '' } },
      'refused',
    ],
  ])('%s', async (_name, authorization, environment, expected) => {
    expect(await identify(authorization, environment)).toBe(expected);
  });

  it.each<[string, string | undefined, RequestEnvironment, string]>([
    ['nobody', undefined, {}, 'system:anonymous system:unauthenticated'],
    ['a wrong token', 'Bearer wrong', {}, 'refused'],
    ['a bad certificate', undefined, { clientCertificate: { ...jane, verified: false } }, 'refused'],
  ])('where anonymous requests are welcome: %s', async (_name, authorization, environment, expected) => {
    expect(await identify(authorization, environment, { ...OPTIONS, anonymous: true })).toBe(expected);
  });
});

const decide = (decision: 'allow' | 'deny' | 'no-opinion', reason = ''): Authorizer => ({
  authorize: () => ({ decision, reason }),
});
const attributes = (method: string, path: string) =>
  attributesOf({ name: 'jane', groups: ['devs'] }, parseRequestInfo(method, path, new URLSearchParams()));

describe('unionAuthorizer', () => {
  it.each([
    ['the first opinion counts', [decide('no-opinion'), decide('allow'), decide('deny')], 'allow'],
    ['a denial ends it', [decide('deny'), decide('allow')], 'deny'],
    [
      'nobody with an opinion is no opinion',
      [decide('no-opinion', 'a'), decide('no-opinion', 'b')],
      'no-opinion',
    ],
    ['a privileged group', [privilegedGroup('devs')], 'allow'],
    ['another group', [privilegedGroup()], 'no-opinion'],
  ] as const)('%s', async (_name, authorizers, expected) => {
    expect((await unionAuthorizer(authorizers).authorize(attributes('GET', '/api/v1/pods'))).decision).toBe(
      expected,
    );
  });
});

describe('newAccessDenied', () => {
  it.each([
    [
      'GET',
      '/api/v1/namespaces/n/pods/p',
      'pods "p" is forbidden: User "jane" cannot get resource "pods" in API group "" in the namespace "n"',
    ],
    [
      'POST',
      '/apis/apps/v1/namespaces/n/deployments',
      'deployments.apps is forbidden: User "jane" cannot create resource "deployments" in API group "apps" in the namespace "n"',
    ],
    [
      'GET',
      '/api/v1/nodes',
      'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope',
    ],
    [
      'PUT',
      '/api/v1/namespaces/n/pods/p/status',
      'pods "p" is forbidden: User "jane" cannot update resource "pods/status" in API group "" in the namespace "n"',
    ],
    ['GET', '/metrics', 'forbidden: User "jane" cannot get path "/metrics"'],
    ['GET', '/<b>', 'forbidden: User "jane" cannot get path "/&lt;b&gt;"'],
  ])('%s %s', (method, path, expected) => {
    expect(newAccessDenied(attributes(method, path)).message).toBe(expected);
    expect(newAccessDenied(attributes(method, path), 'because').message).toBe(`${expected}: because`);
  });
});

describe('everybody', () => {
  const jane = { name: 'jane', groups: ['system:authenticated'] };
  const nobody = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

  it.each<[string, typeof jane, string, string, string]>([
    [
      'may ask about oneself',
      jane,
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      'allow',
    ],
    [
      'may not ask about others',
      jane,
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      'no-opinion',
    ],
    ['may discover', jane, 'GET', '/apis/apps/v1', 'allow'],
    ['may not read objects', jane, 'GET', '/api/v1/pods', 'no-opinion'],
    ['may ask for health unknown', nobody, 'GET', '/readyz', 'allow'],
    ['may not discover unknown', nobody, 'GET', '/apis', 'no-opinion'],
    [
      'may not ask about oneself unknown',
      nobody,
      'POST',
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      'no-opinion',
    ],
  ])('%s', async (_name, user, method, path, decision) => {
    const attributes = attributesOf(user, parseRequestInfo(method, path, new URLSearchParams()));
    expect(await everybody.authorize(attributes)).toEqual({ decision });
  });

  it('has its rules told in a review', async () => {
    expect(await everybody.rulesOf!(jane, 'default')).toMatchObject({
      resourceRules: expect.arrayContaining([
        { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
      ]) as unknown,
    });
    expect(await everybody.rulesOf!(nobody, 'default')).toMatchObject({ resourceRules: [] });
  });
});
