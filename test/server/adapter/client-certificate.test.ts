import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { clientCertificateOf } from '../../../server/adapter/client-certificate.ts';
import { createAuthority, issueCertificate } from '../../../server/pki/certificates.ts';

const NOW = Date.UTC(2026, 0, 1);
const authority = createAuthority({ commonName: 'test' }, NOW);

function presented(organizations: readonly string[]): PeerCertificate {
  const pair = issueCertificate(authority, { commonName: 'jane', organizations, usage: 'client' }, NOW);
  return new X509Certificate(pair.certificate).toLegacyObject();
}

const inspect = (certificate: object, authorized = true) =>
  clientCertificateOf({ authorized, getPeerCertificate: () => certificate as never });

describe('clientCertificateOf', () => {
  it.each([[[]], [['devs']], [['devs', 'ops']]])('tells the groups %j', (organizations) => {
    expect(inspect(presented(organizations))).toEqual({ verified: true, commonName: 'jane', organizations });
  });

  it('tells the UID', () => {
    const certificate = presented([]);
    const subject = { ...certificate.subject, '1.3.6.1.4.1.57683.2': 'abc' };
    expect(inspect({ ...certificate, subject })).toMatchObject({ uid: 'abc' });
  });

  it('tells that it is not to be trusted', () => {
    expect(inspect(presented(['devs']), false)).toMatchObject({ verified: false });
  });

  it('is undefined without a certificate', () => {
    expect(inspect({})).toBeUndefined();
  });
});
