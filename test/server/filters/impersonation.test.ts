/** Acting as somebody else: who may, and who one is then. */
import { beforeAll, describe, expect, it } from 'vitest';
import { newTestServer, VIEWER_TOKEN, type Answer, type TestServer } from '../fixtures/server.ts';

const REVIEW = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

let server: TestServer;
const asking = (headers: Record<string, string>): Promise<Answer> => server.call('POST', REVIEW, {}, headers);

beforeAll(async () => {
  // Whoever asks is told who they are.
  server = await newTestServer({
    authorizer: {
      authorize: ({ user, verb, resource, name }) => ({
        decision:
          verb !== 'impersonate' || user.name === 'admin' || (resource === 'users' && name === 'jane')
            ? 'allow'
            : 'no-opinion',
      }),
    },
  });
});

describe('impersonation', () => {
  it.each<[string, Record<string, string>, object]>([
    ['a user', { 'impersonate-user': 'jane' }, { username: 'jane', groups: ['system:authenticated'] }],
    [
      'a user in groups, with UID and more',
      {
        'impersonate-user': 'jane',
        'impersonate-group': 'devs, ops',
        'impersonate-uid': '7',
        'impersonate-extra-acme.com%2Fteam': 'a, b',
      },
      {
        username: 'jane',
        uid: '7',
        groups: ['devs', 'ops', 'system:authenticated'],
        extra: { 'acme.com/team': ['a', 'b'] },
      },
    ],
    [
      'a service account',
      { 'impersonate-user': 'system:serviceaccount:ns:robot' },
      {
        username: 'system:serviceaccount:ns:robot',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
      },
    ],
    [
      'a service account in another group',
      { 'impersonate-user': 'system:serviceaccount:ns:robot', 'impersonate-group': 'g' },
      { username: 'system:serviceaccount:ns:robot', groups: ['g', 'system:authenticated'] },
    ],
    [
      'nobody',
      { 'impersonate-user': 'system:anonymous' },
      { username: 'system:anonymous', groups: ['system:unauthenticated'] },
    ],
  ])('of %s', async (_name, headers, userInfo) => {
    const { status, json } = await asking(headers);
    expect([status, json['status']]).toEqual([201, { userInfo }]);
  });

  it.each<[string, Record<string, string>, string]>([
    ['a group', { 'impersonate-group': 'g' }, 'requested [{Group  g    }] without impersonating a user'],
    [
      'a UID',
      { 'impersonate-uid': '7' },
      'requested [{UID  7  authentication.k8s.io/v1  }] without impersonating a user',
    ],
  ])('of %s alone makes no sense', async (_name, headers, message) => {
    const { status, json } = await asking(headers);
    expect([status, json['reason'], json['message']]).toEqual([400, 'BadRequest', message]);
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'user',
      { 'impersonate-user': 'bob' },
      'users "bob" is forbidden: User "viewer" cannot impersonate resource "users" in API group "" at the cluster scope',
    ],
    [
      'group beside one that is allowed',
      { 'impersonate-user': 'jane', 'impersonate-group': 'system:masters' },
      'groups "system:masters" is forbidden: User "viewer" cannot impersonate resource "groups" in API group "" at the cluster scope',
    ],
    [
      'service account',
      { 'impersonate-user': 'system:serviceaccount:ns:robot' },
      'serviceaccounts "robot" is forbidden: User "viewer" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "ns"',
    ],
    [
      'extra information',
      { 'impersonate-user': 'jane', 'impersonate-extra-scopes': 'all' },
      'userextras.authentication.k8s.io "all" is forbidden: User "viewer" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
    ],
  ])('of a %s is refused to those who may not', async (_name, headers, message) => {
    const { status, json } = await asking({ authorization: `Bearer ${VIEWER_TOKEN}`, ...headers });
    expect([status, json['message']]).toEqual([403, message]);
  });
});
