/** X.509 certificates with P-256 keys: one authority, and what it signs. */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { isIP } from 'node:net';
import {
  bits,
  boolean,
  context,
  contextBytes,
  integer,
  octets,
  oid,
  sequence,
  set,
  time,
  utf8,
} from './der.ts';
import type { CertificateRequest as SigningRequest } from '../../api/groups/certificates/certificate-request.ts';
import { extendedKeyUsage, keyUsage } from './usages.ts';

export interface KeyAndCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

export interface Subject {
  readonly commonName: string;
  /** Groups of a Kubernetes user. */
  readonly organizations?: readonly string[];
}

export interface CertificateRequest extends Subject {
  readonly usage: 'server' | 'client';
  /** Names and addresses a server answers to. */
  readonly hosts?: readonly string[];
}

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const OIDS = {
  commonName: oid('2.5.4.3'),
  organization: oid('2.5.4.10'),
  basicConstraints: oid('2.5.29.19'),
  keyUsage: oid('2.5.29.15'),
  extendedKeyUsage: oid('2.5.29.37'),
  subjectAltName: oid('2.5.29.17'),
  subjectKeyIdentifier: oid('2.5.29.14'),
  authorityKeyIdentifier: oid('2.5.29.35'),
};

const YEAR_MS = 365 * 24 * 3600 * 1000;
const AUTHORITY_YEARS = 10;
const CERTIFICATE_YEARS = 1;
/** Certificates hold a little earlier than now, for clients whose clock is behind. */
const BACKDATE_MS = 3600 * 1000;

/** A new self-signed authority. `nowMs` is epoch milliseconds. */
export function createAuthority(subject: Subject, nowMs: number): KeyAndCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [
    extension(OIDS.basicConstraints, true, sequence(boolean(true))),
    // digitalSignature, keyEncipherment, keyCertSign
    extension(OIDS.keyUsage, true, bits(Buffer.from([0b10100100]), 2)),
    extension(OIDS.subjectKeyIdentifier, false, octets(keyIdentifier(publicKey))),
  ];
  const certificate = signCertificate({
    issuer: nameOf(subject),
    subject: nameOf(subject),
    publicKey,
    signer: privateKey,
    extensions,
    from: nowMs - BACKDATE_MS,
    to: nowMs + AUTHORITY_YEARS * YEAR_MS,
  });
  return { certificate, key: exportKey(privateKey) };
}

/** A new key and its certificate, signed by the authority. */
export function issueCertificate(
  authority: KeyAndCertificate,
  request: CertificateRequest,
  nowMs: number,
): KeyAndCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { usage, hosts = [] } = request;
  const certificate = certify(authority, {
    subject: nameOf(request),
    publicKey,
    usages: ['digital signature', 'key encipherment', `${usage} auth`],
    names: hosts.map(alternativeName),
    from: nowMs - BACKDATE_MS,
    to: nowMs + CERTIFICATE_YEARS * YEAR_MS,
  });
  return { certificate, key: exportKey(privateKey) };
}

/** Of a request, certificates hold so much earlier than now ... */
const REQUEST_BACKDATE_MS = 5 * 60_000;
/** ... and end so much earlier, unless they are this short. */
const SHORT_MS = 8 * 3_600_000;

/**
 * The certificate, as PEM, of a key that somebody else holds: for `lifetimeMs`, but never longer than the authority. Mirrors
 * pkg/controller/certificates/authority PermissiveSigningPolicy.
 */
export function certifyRequest(
  authority: KeyAndCertificate,
  given: {
    readonly request: SigningRequest;
    /** As the API names them. */
    readonly usages: readonly string[];
    readonly lifetimeMs: number;
  },
  nowMs: number,
): string {
  const { request, usages, lifetimeMs } = given;
  const end = Date.parse(new X509Certificate(authority.certificate).validTo);
  const isShort = lifetimeMs < SHORT_MS;
  return certify(authority, {
    subject: request.subject,
    publicKey: request.publicKey,
    usages,
    names: [
      ...request.dnsNames.map((name) => contextBytes(2, Buffer.from(name, 'latin1'))),
      ...request.emailAddresses.map((name) => contextBytes(1, Buffer.from(name, 'latin1'))),
      ...request.ipAddresses.map(alternativeName),
      ...request.uris.map((name) => contextBytes(6, Buffer.from(name, 'latin1'))),
    ],
    from: nowMs - REQUEST_BACKDATE_MS,
    to: Math.min(nowMs + lifetimeMs - (isShort ? 0 : REQUEST_BACKDATE_MS), end),
  });
}

interface Certified {
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly usages: readonly string[];
  readonly names: readonly Buffer[];
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

function certify(authority: KeyAndCertificate, { usages, names, ...given }: Certified): string {
  const issuer = new X509Certificate(authority.certificate);
  const key = keyUsage(usages);
  const extended = extendedKeyUsage(usages);
  const authorityKey = sequence(contextBytes(0, keyIdentifier(issuer.publicKey)));
  const extensions = [
    ...(key === undefined ? [] : [extension(OIDS.keyUsage, true, key)]),
    ...(extended === undefined ? [] : [extension(OIDS.extendedKeyUsage, false, extended)]),
    extension(OIDS.basicConstraints, true, sequence()),
    extension(OIDS.authorityKeyIdentifier, false, authorityKey),
    ...(names.length === 0 ? [] : [extension(OIDS.subjectAltName, false, sequence(...names))]),
  ];
  const signer = createPrivateKey(authority.key);
  return signCertificate({ ...given, issuer: subjectOf(authority), signer, extensions });
}

interface CertificateParts {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

function signCertificate(parts: CertificateParts): string {
  const body = sequence(
    context(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    ECDSA_SHA256,
    parts.issuer,
    sequence(time(parts.from), time(parts.to)),
    parts.subject,
    parts.publicKey.export({ type: 'spki', format: 'der' }),
    context(3, sequence(...parts.extensions)),
  );
  const signature = sign('sha256', body, { key: parts.signer, dsaEncoding: 'der' });
  const der = sequence(body, ECDSA_SHA256, bits(signature));
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  // Positive, and never zero.
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}

function extension(id: Buffer, critical: boolean, value: Buffer): Buffer {
  return critical ? sequence(id, boolean(true), octets(value)) : sequence(id, octets(value));
}

function nameOf({ commonName, organizations = [] }: Subject): Buffer {
  return sequence(
    ...organizations.map((organization) => set(sequence(OIDS.organization, utf8(organization)))),
    set(sequence(OIDS.commonName, utf8(commonName))),
  );
}

/** The authority's name, rebuilt from its certificate: it consists of a common name only. */
function subjectOf(authority: KeyAndCertificate): Buffer {
  const match = /CN=(.*)/.exec(new X509Certificate(authority.certificate).subject);
  return nameOf({ commonName: match![1]! });
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function alternativeName(host: string): Buffer {
  if (isIP(host) === 4) return contextBytes(7, Buffer.from(host.split('.').map(Number)));
  if (isIP(host) === 6) return contextBytes(7, ipv6Bytes(host));
  return contextBytes(2, Buffer.from(host));
}

function ipv6Bytes(host: string): Buffer {
  const [head = '', tail] = host.split('::') as [string, string | undefined];
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(all.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]));
}

function exportKey(key: KeyObject): string {
  // Not PKCS #8: some clients take that for RSA (fabric8 for Java does).
  return key.export({ type: 'sec1', format: 'pem' }) as string;
}
