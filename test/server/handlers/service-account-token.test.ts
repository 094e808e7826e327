/** Tokens of service accounts, from the request for one to what they are good for. */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { ISSUER } from '../../../server/authn/authenticator.ts';
import { keepSigningKey } from '../../../server/authn/signing-key.ts';
import { newTestServer, type Answer, type TestServer } from '../fixtures/server.ts';

const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';
const PODS = '/api/v1/namespaces/default/pods';

interface Review {
  readonly authenticated?: boolean;
  readonly user: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  readonly audiences?: string[];
  readonly error?: string;
}

let server: TestServer;
let uid: string;

const request = (spec: object = {}, metadata: object = {}): Promise<Answer> =>
  server.call('POST', `${ACCOUNTS}/robot/token`, { metadata, spec });
const tokenOf = ({ json }: Answer): string => (json['status'] as { token: string }).token;
const metadataOf = ({ json }: Answer): Record<string, string> => json['metadata'] as Record<string, string>;
const review = async (token: string, audiences?: string[]): Promise<Review> => {
  const answer = await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    spec: { token, audiences },
  });
  expect(answer.status).toBe(201);
  return answer.json['status'] as unknown as Review;
};
const createPod = async (name: string): Promise<string> =>
  metadataOf(
    await server.call('POST', PODS, {
      metadata: { name },
      spec: { serviceAccountName: 'robot', containers: [{ name: 'main', image: 'nginx' }] },
    }),
  )['uid']!;

beforeEach(async () => {
  server = await newTestServer();
  uid = metadataOf(await server.call('POST', ACCOUNTS, { metadata: { name: 'robot' } }))['uid']!;
});

describe('POST serviceaccounts/x/token', () => {
  it('answers with a token for the API server, good for an hour', async () => {
    const answer = await request();
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name: 'robot', namespace: 'default', uid },
      spec: { audiences: [ISSUER], expirationSeconds: 3600 },
    });
    const claims = decodeJwt(tokenOf(answer));
    expect(claims).toMatchObject({
      aud: [ISSUER],
      iss: ISSUER,
      sub: 'system:serviceaccount:default:robot',
      'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid } },
    });
    expect(claims.exp! - claims.iat!).toBe(3600);
    expect(claims.nbf).toBe(claims.iat);
    expect(claims.jti).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('signs with the key it publishes', async () => {
    const token = tokenOf(await request());
    const keys = await server.call('GET', '/openid/v1/jwks');
    expect(keys.headers.get('content-type')).toBe('application/jwk-set+json');
    const [key] = keys.json['keys'] as JsonWebKey[];
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', kid: key!['kid'] });
    await jwtVerify(token, createPublicKey({ key: key!, format: 'jwk' }), {
      currentDate: new Date(server.clock.now()),
    });
    const configuration = await server.call('GET', '/.well-known/openid-configuration');
    expect(configuration.headers.get('cache-control')).toBe('public, max-age=3600');
    expect(configuration.json).toEqual({
      issuer: ISSUER,
      jwks_uri: 'https://localhost/openid/v1/jwks',
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    });
  });

  it.each<[string, object, object, number, string]>([
    [
      'too short a time',
      { expirationSeconds: 599 },
      {},
      422,
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    ],
    [
      'too long a time',
      { expirationSeconds: 2 ** 32 + 1 },
      {},
      422,
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds',
    ],
    [
      'another name',
      {},
      { name: 'other' },
      422,
      'TokenRequest.authentication.k8s.io "robot" is invalid: metadata.name: Invalid value: "other": must match the service account name if specified',
    ],
    [
      'another namespace',
      {},
      { namespace: 'other' },
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      'a pod that is not there',
      { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'gone' } },
      {},
      404,
      'pods "gone" not found',
    ],
    [
      'an object that binds nothing',
      { boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'x' } },
      {},
      400,
      'cannot bind token to object of type /v1, Kind=ConfigMap',
    ],
  ])('refuses %s', async (_name, spec, metadata, status, message) => {
    const answer = await request(spec, metadata);
    expect(answer.json['message']).toBe(message);
    expect(answer.status).toBe(status);
  });

  it('refuses an account that is not there', async () => {
    const answer = await server.call('POST', `${ACCOUNTS}/nobody/token`, { spec: {} });
    expect([answer.status, answer.json['message']]).toEqual([404, 'serviceaccounts "nobody" not found']);
  });

  it('binds to a pod by UID', async () => {
    const podUid = await createPod('p');
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: 'another' };
    const wrong = await request({ boundObjectRef });
    expect(wrong.status).toBe(409);
    expect(wrong.json['message']).toContain('the UID in the bound object reference (another) does not match');
    const bound = await request({ boundObjectRef: { ...boundObjectRef, uid: podUid } });
    expect(decodeJwt(tokenOf(bound))['kubernetes.io']).toMatchObject({ pod: { name: 'p', uid: podUid } });
  });

  it('makes what a kubelet asks for last longer, with a time to warn from', async () => {
    const podUid = await createPod('p');
    const answer = await request({
      expirationSeconds: 3607,
      boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: podUid },
    });
    const claims = decodeJwt(tokenOf(answer));
    expect(claims.exp! - claims.iat!).toBe(24 * 365 * 3600);
    expect(claims['kubernetes.io']).toMatchObject({ warnafter: claims.iat! + 3607 });
  });
});

describe('a token', () => {
  it('authenticates its account', async () => {
    const answer = await server.call(
      'POST',
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      {},
      {
        authorization: `Bearer ${tokenOf(await request())}`,
      },
    );
    // Nobody gave it any rights.
    expect(answer.status).toBe(403);
    expect(answer.json['message']).toContain('User "system:serviceaccount:default:robot" cannot create');
  });

  it('is told about in a review', async () => {
    const token = tokenOf(await request());
    const { jti } = decodeJwt(token);
    expect(await review(token)).toEqual({
      authenticated: true,
      user: {
        username: 'system:serviceaccount:default:robot',
        uid,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] },
      },
      audiences: [ISSUER],
    });
  });

  it('is for its audiences only', async () => {
    const token = tokenOf(await request({ audiences: ['vault', 'db'] }));
    expect(await review(token)).toEqual({
      user: {},
      error: `token audiences ["vault" "db"] is invalid for the target audiences ["${ISSUER}"]`,
    });
    expect(await review(token, ['db', 'x'])).toMatchObject({ authenticated: true, audiences: ['db'] });
    const answer = await server.call('GET', '/version', undefined, { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(401);
  });

  it('ends', async () => {
    const token = tokenOf(await request({ expirationSeconds: 600 }));
    await server.clock.advance(661_000);
    expect(await review(token)).toEqual({ user: {}, error: 'service account token has expired' });
  });

  it('ends with its account', async () => {
    const token = tokenOf(await request());
    await server.call('DELETE', `${ACCOUNTS}/robot`);
    expect((await review(token)).error).toBe('serviceaccounts "robot" not found');
    await server.call('POST', ACCOUNTS, { metadata: { name: 'robot' } });
    expect((await review(token)).error).toMatch(/^service account UID \(.*\) does not match claim \(.*\)$/);
  });

  it('ends with its pod', async () => {
    const podUid = await createPod('p');
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: podUid };
    const token = tokenOf(await request({ boundObjectRef }));
    expect((await review(token)).user.extra).toMatchObject({
      'authentication.kubernetes.io/pod-name': ['p'],
      'authentication.kubernetes.io/pod-uid': [podUid],
    });
    await server.call('DELETE', `${PODS}/p`);
    expect((await review(token)).error).toBe('service account token has been invalidated');
  });

  it.each<[string, (token: string) => string, string]>([
    [
      'changed',
      (token) => `${token.slice(0, -6)}AAAAAA`,
      'go-jose/go-jose: error in cryptographic primitive',
    ],
    ['made up', () => 'nonsense', 'invalid bearer token'],
    [
      'unsigned',
      (token) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`,
      'go-jose/go-jose: error in cryptographic primitive',
    ],
  ])('that was %s is refused', async (_name, change, error) => {
    const token = change(tokenOf(await request()));
    expect(await review(token)).toEqual({ user: {}, error });
  });
});

describe('the signing key', () => {
  it('is kept, for its owner only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kubemu-key-'));
    try {
      const { id } = await keepSigningKey(folder)();
      expect((await keepSigningKey(folder)()).id).toBe(id);
      expect(statSync(join(folder, 'sa.key')).mode & 0o777).toBe(0o600);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
