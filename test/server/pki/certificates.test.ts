import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RealClock } from '../../../api/machinery/clock.ts';
import { createAuthority, issueCertificate } from '../../../server/pki/certificates.ts';
import { openCertificates } from '../../../server/pki/keep.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 24 * 3600 * 1000;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

describe('certificates', () => {
  const authority = createAuthority({ commonName: 'test authority' }, NOW);

  it('of an authority sign themselves', () => {
    const certificate = new X509Certificate(authority.certificate);
    expect([certificate.ca, certificate.subject, certificate.issuer]).toEqual([
      true,
      'CN=test authority',
      'CN=test authority',
    ]);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(Date.parse(certificate.validFrom)).toBeLessThan(NOW);
    expect(Date.parse(certificate.validTo)).toBeGreaterThan(NOW + 3649 * DAY_MS);
  });

  it.each([
    [
      'server',
      ['localhost', 'kubernetes.default.svc', '127.0.0.1', '10.96.0.1', '::1', 'fe80::1:2'],
      SERVER_AUTH,
    ],
    ['client', [], CLIENT_AUTH],
  ] as const)('of a %s are signed by it', (usage, hosts, purpose) => {
    const pair = issueCertificate(
      authority,
      { commonName: 'x', organizations: ['a', 'b'], usage, hosts },
      NOW,
    );
    const certificate = new X509Certificate(pair.certificate);
    const issuer = new X509Certificate(authority.certificate);
    expect(certificate.checkIssued(issuer)).toBe(true);
    expect(certificate.verify(issuer.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.subject).toBe('O=a\nO=b\nCN=x');
    expect(certificate.keyUsage).toEqual([purpose]);
    for (const host of hosts) {
      const found =
        host.includes(':') || /^[\d.]+$/.test(host) ? certificate.checkIP(host) : certificate.checkHost(host);
      expect(found, host).toBeDefined();
    }
    expect(certificate.checkHost('elsewhere.example.com')).toBeUndefined();
  });

  it('come with keys in the form that all clients take', async () => {
    const keeper = await openCertificates(undefined, NOW);
    const { key } = await keeper.certificate('admin', { commonName: 'admin', usage: 'client' });
    expect(key).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
  });

  it('have serial numbers of their own', () => {
    const serials = Array.from({ length: 20 }, () => {
      const { certificate } = issueCertificate(authority, { commonName: 'x', usage: 'client' }, NOW);
      return new X509Certificate(certificate).serialNumber;
    });
    expect(new Set(serials).size).toBe(20);
  });

  it('hold in a handshake', async () => {
    const now = new RealClock().now();
    const live = createAuthority({ commonName: 'live' }, now);
    const server = issueCertificate(live, { commonName: 's', usage: 'server', hosts: ['localhost'] }, now);
    const client = issueCertificate(live, { commonName: 'c', usage: 'client' }, now);
    const listener = createServer(
      {
        key: server.key,
        cert: server.certificate,
        ca: live.certificate,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => socket.end(`hello ${String(socket.getPeerCertificate().subject.CN)}`),
    );
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', () => resolve()));
    const { port } = listener.address() as AddressInfo;
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: live.certificate,
      key: client.key,
      cert: client.certificate,
    });
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    listener.close();
    expect(text).toBe('hello c');
  });
});

describe('openCertificates', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubemu-pki-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('keeps what it made, readable by the owner only', async () => {
    const first = await openCertificates(join(folder, 'pki'), NOW);
    const admin = await first.certificate('admin', { commonName: 'admin', usage: 'client' });
    const second = await openCertificates(join(folder, 'pki'), NOW + DAY_MS);
    expect(second.authority).toEqual(first.authority);
    expect(await second.certificate('admin', { commonName: 'admin', usage: 'client' })).toEqual(admin);
    for (const file of ['ca.key', 'ca.crt', 'admin.key', 'admin.crt']) {
      expect((await stat(join(folder, 'pki', file))).mode & 0o777, file).toBe(0o600);
    }
    expect(await readFile(join(folder, 'pki', 'admin.crt'), 'utf8')).toBe(admin.certificate);
  });

  it.each([
    ['ends soon', NOW + 340 * DAY_MS, ['localhost']],
    ['lacks a host', NOW, ['localhost', '10.0.0.1']],
  ])('makes a certificate anew that %s', async (_name, later, hosts) => {
    const request = { commonName: 's', usage: 'server' as const };
    const before = await (
      await openCertificates(folder, NOW)
    ).certificate('server', { ...request, hosts: ['localhost'] });
    const after = await (await openCertificates(folder, later)).certificate('server', { ...request, hosts });
    expect(after).not.toEqual(before);
  });

  it('keeps nothing without a folder', async () => {
    const first = await openCertificates(undefined, NOW);
    expect((await openCertificates(undefined, NOW)).authority).not.toEqual(first.authority);
  });
});
