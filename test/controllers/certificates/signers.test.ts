/** What is approved, signed and cleared away, by the controllers alone. */
import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { isNotFound } from '../../../api/machinery/errors.ts';
import {
  certificateApprovingController,
  certificateCleaningController,
  certificateSigningController,
} from '../../../controllers/certificates/certificate-controllers.ts';
import {
  certificateSigningRequests,
  type CertificateSigningRequest,
} from '../../../openapi/generated/certificates-v1.ts';
import { createAuthority } from '../../../server/pki/certificates.ts';
import { createSigner } from '../../../server/pki/signer.ts';
import { certificateRequest, type RequestParts } from '../../suites/certificate-requests.ts';
import { startHarness, type Harness } from '../harness.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 5, 1);
const NODE = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
const CLIENT = ['digital signature', 'client auth'];
const SERVING = ['digital signature', 'key encipherment', 'server auth'];

let harness: Harness;
afterEach(() => harness.stop());

/** Whom the authorizer lets have what approved. */
let allowed: Readonly<Record<string, readonly string[]>>;

async function start(mayRequest: typeof allowed = {}): Promise<void> {
  allowed = mayRequest;
  const authority = createAuthority({ commonName: 'test' }, NOW);
  harness = await startHarness(
    [certificateApprovingController, certificateSigningController, certificateCleaningController],
    'test',
    {
      signer: createSigner(authority, { now: () => NOW } as never),
      mayRequest: async ({ username = '' }, part) => allowed[username]?.includes(part) ?? false,
    },
  );
}

interface Asked extends RequestParts {
  readonly as?: string;
  readonly signer?: string;
  readonly usages?: readonly string[];
  readonly expirationSeconds?: number;
}

async function file({
  as = 'admin',
  signer = 'kube-apiserver-client',
  usages = CLIENT,
  expirationSeconds,
  ...parts
}: Asked): Promise<void> {
  await harness.client.as(as).create(certificateSigningRequests, {
    metadata: { name: 'request' },
    spec: {
      request: Buffer.from(certificateRequest(parts)).toString('base64'),
      signerName: `kubernetes.io/${signer}`,
      usages: [...usages],
      expirationSeconds,
    },
  } as never);
  await harness.settle();
}

async function decide(type: 'Approved' | 'Denied'): Promise<void> {
  const current = await harness.client.get(certificateSigningRequests, { name: 'request' });
  const conditions = [{ type, status: 'True', reason: 'Test', message: 'as you like' }];
  const status = { ...current.status, conditions };
  await harness.client.update(
    certificateSigningRequests,
    { ...current, status },
    { subresource: 'approval' },
  );
  await harness.settle();
}

const find = (): Promise<CertificateSigningRequest | undefined> =>
  harness.client.get(certificateSigningRequests, { name: 'request' }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return undefined;
  });

async function conditions(): Promise<string[]> {
  return ((await find())?.status?.conditions ?? []).map(
    ({ type, reason, message }) => `${type} ${reason} ${message}`,
  );
}

async function certificate(): Promise<X509Certificate> {
  return new X509Certificate(Buffer.from((await find())!.status!.certificate!, 'base64'));
}

const SELF =
  'Approved AutoApproved Auto approving self kubelet client certificate after SubjectAccessReview.';
const OTHER = 'Approved AutoApproved Auto approving kubelet client certificate after SubjectAccessReview.';

describe('approval', () => {
  const kubelet = { ...NODE, signer: 'kube-apiserver-client-kubelet' };
  it.each<{ name: string; may?: typeof allowed; asked: Asked; found: readonly string[] }>([
    {
      name: 'a node for itself',
      may: { 'system:node:n1': ['selfnodeclient'] },
      asked: { ...kubelet, as: 'system:node:n1' },
      found: [SELF],
    },
    {
      name: 'a node for another',
      may: { 'system:node:n2': ['selfnodeclient'] },
      asked: { ...kubelet, as: 'system:node:n2' },
      found: [],
    },
    {
      name: 'a machine that joins',
      may: { 'system:bootstrap:abcdef': ['nodeclient'] },
      asked: { ...kubelet, as: 'system:bootstrap:abcdef' },
      found: [OTHER],
    },
    {
      name: 'a node that may for every node only',
      may: { 'system:node:n1': ['nodeclient'] },
      asked: { ...kubelet, as: 'system:node:n1' },
      found: [OTHER],
    },
    {
      name: 'a serving certificate',
      may: { 'system:node:n1': ['selfnodeclient', 'nodeclient'] },
      asked: { ...NODE, as: 'system:node:n1', signer: 'kubelet-serving', usages: SERVING, dnsNames: ['n1'] },
      found: [],
    },
    {
      name: 'a client certificate with names',
      may: { 'system:node:n1': ['selfnodeclient', 'nodeclient'] },
      asked: { ...kubelet, as: 'system:node:n1', dnsNames: ['n1'] },
      found: [],
    },
  ])('$name', async ({ may, asked, found }) => {
    await start(may);
    await file(asked);
    expect(await conditions()).toEqual(found);
  });

  it('comes when its author is allowed it later', async () => {
    await start();
    await file({ ...kubelet, as: 'system:node:n1' });
    await harness.advance(60_000);
    expect(await conditions()).toEqual([]);
    allowed = { 'system:node:n1': ['selfnodeclient'] };
    await harness.advance(60_000);
    expect(await conditions()).toEqual([SELF]);
  });
});

describe('signing', () => {
  const serving = { ...NODE, signer: 'kubelet-serving', usages: SERVING, dnsNames: ['n1'] };
  const kubelet = { ...NODE, signer: 'kube-apiserver-client-kubelet' };
  const group = 'subject organization is not system:nodes';
  it.each<{ asked: Asked; refused: string | undefined }>([
    { asked: { usages: ['client auth'] }, refused: undefined },
    {
      asked: { usages: ['client auth', 'server auth'] },
      refused: 'invalid usage for client certificate: server auth',
    },
    {
      asked: { usages: ['digital signature'] },
      refused: 'missing required usage for client certificate: client auth',
    },
    { asked: serving, refused: undefined },
    { asked: { ...serving, usages: ['digital signature', 'server auth'] }, refused: undefined },
    { asked: { ...serving, organizations: [] }, refused: group },
    { asked: { ...serving, organizations: ['system:nodes', 'x'] }, refused: group },
    { asked: { ...serving, dnsNames: [] }, refused: 'DNS or IP subjectAltName is required' },
    { asked: { ...serving, emailAddresses: ['a@b'] }, refused: 'Email subjectAltNames are not allowed' },
    { asked: { ...serving, uris: ['a:b'] }, refused: 'URI subjectAltNames are not allowed' },
    {
      asked: { ...serving, usages: CLIENT },
      refused: 'usages did not match [digital signature key encipherment server auth]',
    },
    {
      asked: { ...serving, commonName: 'n1' },
      refused: 'subject common name does not begin with system:node:',
    },
    { asked: kubelet, refused: undefined },
    { asked: { ...kubelet, dnsNames: ['n1'] }, refused: 'DNS subjectAltNames are not allowed' },
    { asked: { ...kubelet, ipAddresses: [[10, 0, 0, 1]] }, refused: 'IP subjectAltNames are not allowed' },
    { asked: { ...kubelet, emailAddresses: ['a@b'] }, refused: 'Email subjectAltNames are not allowed' },
    { asked: { ...kubelet, uris: ['a:b'] }, refused: 'URI subjectAltNames are not allowed' },
    { asked: { ...kubelet, organizations: ['system:masters'] }, refused: group },
    {
      asked: { ...kubelet, commonName: 'n1' },
      refused: 'subject common name does not begin with system:node:',
    },
    {
      asked: { ...kubelet, usages: ['client auth'] },
      refused: 'usages did not match [client auth digital signature key encipherment]',
    },
  ])('$asked: $refused', async ({ asked, refused }) => {
    await start();
    await file(asked);
    await decide('Approved');
    const failed = refused === undefined ? [] : [`Failed SignerValidationFailure ${refused}`];
    expect((await conditions()).slice(1)).toEqual(failed);
    expect((await find())!.status!.certificate !== undefined).toBe(refused === undefined);
  });

  it.each([
    { asked: 600, from: -300, to: 600 },
    { asked: 8 * 3600 - 1, from: -300, to: 8 * 3600 - 1 },
    { asked: 8 * 3600, from: -300, to: 8 * 3600 - 300 },
    { asked: undefined, from: -300, to: 365 * 24 * 3600 - 300 },
    { asked: 2 * 365 * 24 * 3600, from: -300, to: 365 * 24 * 3600 - 300 },
  ])('for $asked seconds', async ({ asked, from, to }) => {
    await start();
    await file({ commonName: 'jane', expirationSeconds: asked });
    await decide('Approved');
    const { validFrom, validTo } = await certificate();
    const seconds = [validFrom, validTo].map((text) => (Date.parse(text) - NOW) / 1000);
    expect(seconds).toEqual([from, to]);
  });

  it('gives the key, the subject and the names asked for', async () => {
    await start();
    await file({ ...serving, key: 'rsa sha256', ipAddresses: [[10, 0, 0, 7]] });
    await decide('Approved');
    const { subject, subjectAltName, publicKey, keyUsage, raw } = await certificate();
    expect(subject).toBe('O=system:nodes\nCN=system:node:n1');
    expect(subjectAltName).toBe('DNS:n1, IP Address:10.0.0.7');
    expect(publicKey.asymmetricKeyType).toBe('rsa');
    expect(keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    // Key usage, critical: digital signature and key encipherment.
    expect(raw.toString('hex')).toContain('0603551d0f0101ff0404030205a0');
  });

  it('is not asked of anybody when the request is not signed with its own key', async () => {
    await start();
    await expect(file({ isForged: true })).rejects.toThrow('x509: ECDSA verification failure');
  });

  it('is not done for what is denied', async () => {
    await start();
    await file({});
    await decide('Denied');
    expect((await find())!.status!.certificate).toBeUndefined();
  });
});

describe('clearing away', () => {
  it.each<{ name: string; asked: Asked; decision?: 'Approved' | 'Denied'; hours: number }>([
    { name: 'issued', asked: {}, decision: 'Approved', hours: 1 },
    { name: 'denied', asked: {}, decision: 'Denied', hours: 1 },
    { name: 'failed', asked: { usages: ['signing'] }, decision: 'Approved', hours: 1 },
    { name: 'pending', asked: {}, hours: 24 },
  ])('$name: after $hours h', async ({ asked, decision, hours }) => {
    await start();
    await file(asked);
    if (decision !== undefined) await decide(decision);
    await harness.restart();
    await harness.advance(hours * HOUR_MS - 1000);
    expect(await find()).toBeDefined();
    await harness.advance(2000);
    expect(await find()).toBeUndefined();
  });

  it('approved, of a signer that is not here: a day after its approval', async () => {
    await start();
    await file({});
    await harness.client.delete(certificateSigningRequests, { name: 'request' });
    await harness.client.create(certificateSigningRequests, {
      metadata: { name: 'request' },
      spec: {
        request: Buffer.from(certificateRequest({})).toString('base64'),
        signerName: 'example.com/signer',
        usages: CLIENT,
      },
    } as never);
    await harness.advance(20 * HOUR_MS);
    await decide('Approved');
    await harness.advance(23 * HOUR_MS);
    expect(await find()).toBeDefined();
    await harness.advance(HOUR_MS + 1000);
    expect(await find()).toBeUndefined();
  });
});
