/** Requests for certificates and tokens in secrets, in a whole cluster: what is given is what the server then accepts. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { request as sendRequest } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dateOf, VirtualClock } from '../../../api/machinery/clock.ts';
import { certificateSigningRequests } from '../../../openapi/generated/certificates-v1.ts';
import { secrets, serviceAccounts } from '../../../openapi/generated/core-v1.ts';
import { startCluster, type Cluster } from '../../../server/cluster.ts';

let cluster: Cluster;
let folder: string;
let hasOpenSSL = true;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubemu-csr-'));
  cluster = await startCluster({ nodes: 0, clock: new VirtualClock(Date.now()) });
  try {
    execFileSync('openssl', ['version']);
  } catch {
    hasOpenSSL = false;
  }
});
afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

function request(subject: string, names?: string): string {
  const pem = execFileSync(
    'openssl',
    ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'key'), '-subj', subject].concat(
      names === undefined ? [] : ['-addext', `subjectAltName=${names}`],
    ),
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return pem.toString('base64');
}

async function file(name: string, csr: string, signer: string, usages: string[]): Promise<void> {
  await cluster.client.create(certificateSigningRequests, {
    metadata: { name },
    spec: {
      request: csr,
      signerName: `kubernetes.io/${signer}`,
      usages,
      expirationSeconds: 86_400,
    },
  } as never);
}

async function approve(name: string): Promise<void> {
  const current = await cluster.client.get(certificateSigningRequests, { name });
  const conditions = [{ type: 'Approved', status: 'True', reason: 'Test', message: 'fine' }];
  await cluster.client.update(
    certificateSigningRequests,
    { ...current, status: { ...current.status, conditions } },
    { subresource: 'approval' },
  );
  await cluster.settled();
}

const statusOf = async (name: string) =>
  (await cluster.client.get(certificateSigningRequests, { name })).status ?? {};

describe('a request for a certificate', () => {
  it('is signed once it is approved, for as long as it asks', async ({ skip }) => {
    if (!hasOpenSSL) skip('no openssl on PATH');
    await file('jane', request('/CN=jane/O=dev/O=ops'), 'kube-apiserver-client', ['client auth']);
    await cluster.settled();
    expect((await statusOf('jane')).certificate).toBeUndefined();
    await approve('jane');
    const certificate = new X509Certificate(Buffer.from((await statusOf('jane')).certificate!, 'base64'));
    expect(certificate.subject.split('\n').sort()).toEqual(['CN=jane', 'O=dev', 'O=ops']);
    expect(Date.parse(certificate.validTo) - Date.now()).toBeLessThanOrEqual(86_400_000);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  it('keeps the names a server is to answer to', async ({ skip }) => {
    if (!hasOpenSSL) skip('no openssl on PATH');
    const csr = request('/CN=system:node:n1/O=system:nodes', 'DNS:n1.local,IP:10.0.0.7');
    await file('serving', csr, 'kubelet-serving', ['server auth', 'digital signature']);
    await approve('serving');
    const certificate = new X509Certificate(Buffer.from((await statusOf('serving')).certificate!, 'base64'));
    expect(certificate.subjectAltName).toBe('DNS:n1.local, IP Address:10.0.0.7');
  });

  it('fails when the signer does not sign such', async ({ skip }) => {
    if (!hasOpenSSL) skip('no openssl on PATH');
    await file('odd', request('/CN=somebody'), 'kubelet-serving', ['server auth']);
    await approve('odd');
    expect((await statusOf('odd')).conditions).toContainEqual(
      expect.objectContaining({
        type: 'Failed',
        reason: 'SignerValidationFailure',
        message: 'subject organization is not system:nodes',
      }),
    );
  });

  it('is cleared away an hour after its approval', async ({ skip }) => {
    if (!hasOpenSSL) skip('no openssl on PATH');
    await file('old', request('/CN=old'), 'kube-apiserver-client', ['client auth']);
    await approve('old');
    await cluster.clock.step(3_700_000);
    await expect(statusOf('old')).rejects.toThrow('not found');
  });
});

/** The user that the server takes the bearer of a token for; undefined when it takes it for nobody. */
function whoAmI(token: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const url = `${cluster.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const call = sendRequest(url, { method: 'POST', headers, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const { status } = JSON.parse(text) as { status: { userInfo?: { username: string } } };
        resolve(response.statusCode === 401 ? undefined : status.userInfo?.username);
      });
    });
    call.on('error', reject);
    call.end(JSON.stringify({ kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1' }));
  });
}

describe('a secret for a token', () => {
  const namespace = 'default';
  const make = (name: string): Promise<unknown> =>
    cluster.client.create(secrets, {
      metadata: { name, namespace, annotations: { 'kubernetes.io/service-account.name': 'robot' } },
      type: 'kubernetes.io/service-account-token',
    });

  it('is filled, and goes with its account', async () => {
    const account = await cluster.client.create(serviceAccounts, { metadata: { name: 'robot', namespace } });
    await make('robot-token');
    await cluster.settled();
    const { metadata, data } = await cluster.client.get(secrets, { namespace, name: 'robot-token' });
    expect(metadata.annotations?.['kubernetes.io/service-account.uid']).toBe(account.metadata.uid);
    expect(Object.keys(data!).sort()).toEqual(['ca.crt', 'namespace', 'token']);
    expect(Buffer.from(data!['ca.crt']!, 'base64').toString()).toContain('BEGIN CERTIFICATE');
    expect(Buffer.from(data!['token']!, 'base64').toString().split('.')).toHaveLength(3);
    const token = Buffer.from(data!['token']!, 'base64').toString();
    expect(await whoAmI(token)).toBe('system:serviceaccount:default:robot');
    expect(await whoAmI(`${token}x`)).toBeUndefined();
    const { metadata: used } = await cluster.client.get(secrets, { namespace, name: 'robot-token' });
    const today = dateOf(cluster.clock.now());
    expect(used.labels).toEqual({ 'kubernetes.io/legacy-token-last-used': today });
    const body = { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': today } } };
    await cluster.client.patch(secrets, { namespace, name: 'robot-token' }, { type: 'merge', body });
    expect(await whoAmI(token)).toBeUndefined();
    await cluster.client.delete(serviceAccounts, { namespace, name: 'robot' });
    await cluster.settled();
    await expect(cluster.client.get(secrets, { namespace, name: 'robot-token' })).rejects.toThrow(
      'not found',
    );
  });

  it('of no account is removed', async () => {
    await make('lost');
    await cluster.settled();
    await expect(cluster.client.get(secrets, { namespace, name: 'lost' })).rejects.toThrow('not found');
  });
});
