import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCertificateRequest } from '../../../../api/groups/certificates/certificate-request.ts';
import { certificateRequest, KEY_KINDS } from '../../../suites/certificate-requests.ts';

describe('a request for a certificate', () => {
  it('says whose it is and under which names', () => {
    const pem = certificateRequest({
      commonName: 'jörg',
      organizations: ['dev', 'ops'],
      dnsNames: ['a.example.com'],
      ipAddresses: [
        [10, 0, 0, 7],
        [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      ],
      emailAddresses: ['a@example.com'],
      uris: ['spiffe://a/b'],
    });
    expect(readCertificateRequest(pem)).toMatchObject({
      commonName: 'jörg',
      organizations: ['dev', 'ops'],
      dnsNames: ['a.example.com'],
      ipAddresses: ['10.0.0.7', 'fd00:0000:0000:0000:0000:0000:0000:0001'],
      emailAddresses: ['a@example.com'],
      uris: ['spiffe://a/b'],
    });
  });

  it.each(KEY_KINDS.filter((key) => key !== 'rsa md5'))('is checked when it is signed with %s', (key) => {
    expect(() => readCertificateRequest(certificateRequest({ key })).checkSignature()).not.toThrow();
    const forged = certificateRequest({ key, isForged: true });
    expect(() => readCertificateRequest(forged).checkSignature()).toThrow(
      /^(crypto\/rsa: verification error|x509: (ECDSA|Ed25519) verification failure)$/,
    );
  });

  it('is not checked by a hash that is broken', () => {
    const pem = certificateRequest({ key: 'rsa md5' });
    expect(() => readCertificateRequest(pem).checkSignature()).toThrow(
      'x509: cannot verify signature: algorithm unimplemented',
    );
  });

  it.each([
    ['of another kind', 'CERTIFICATE REQUEST', 'CERTIFICATE'],
    ['without an end', '-----END', '-----'],
  ])('%s is none', (_name, from, to) => {
    const pem = certificateRequest({}).replaceAll(from, to);
    expect(() => readCertificateRequest(pem)).toThrow('PEM block type must be CERTIFICATE REQUEST');
  });

  it('that is broken anywhere is refused or read, and nothing worse', () => {
    const der = Buffer.from(certificateRequest({ dnsNames: ['a.b'] }).split('-----')[2]!, 'base64');
    const property = fc.property(
      fc.nat(der.length - 1),
      fc.nat(255),
      fc.nat(der.length),
      (at, byte, length) => {
        const broken = Buffer.from(der.subarray(0, length));
        if (at < broken.length) broken[at] = byte;
        const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${broken.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
        try {
          readCertificateRequest(pem).checkSignature();
          expect(broken.equals(der)).toBe(true);
        } catch (error) {
          if (broken.equals(der)) throw error;
          expect((error as Error).message).toMatch(/^(asn1|x509|PEM|error:)/);
        }
      },
    );
    fc.assert(property, { seed: 5, numRuns: 500 });
  });
});
