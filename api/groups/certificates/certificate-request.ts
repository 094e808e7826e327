/** Reads PKCS #10 requests for certificates: whose, for which key, under which names, signed with that key or not. */
import { createPublicKey, verify, type KeyObject } from 'node:crypto';

export interface CertificateRequest {
  /** Whose, as DER. */
  readonly subject: Buffer;
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly publicKey: KeyObject;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  /** Throws an Error when the request is not signed with the key it is for. */
  checkSignature(): void;
}

const PEM = /-----BEGIN CERTIFICATE REQUEST-----\s*([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----/;
const SEQUENCE = 0x30;
const SET = 0x31;
const OBJECT_IDENTIFIER = 0x06;
const BITS = 0x03;
const OCTETS = 0x04;
const ATTRIBUTES = 0xa0;
const COMMON_NAME = '550403';
const ORGANIZATION = '55040a';
const EXTENSION_REQUEST = '2a864886f70d01090e';
const SUBJECT_ALTERNATIVE_NAME = '551d11';

/** Kinds of alternative names, by tag. */
const NAMES = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const;

/** Signature algorithms, by identifier: the kind of key, and the hash. */
const ALGORITHMS: Readonly<Record<string, { readonly key: string; readonly hash: string | undefined }>> = {
  '2a864886f70d010105': { key: 'rsa', hash: 'sha1' },
  '2a864886f70d01010b': { key: 'rsa', hash: 'sha256' },
  '2a864886f70d01010c': { key: 'rsa', hash: 'sha384' },
  '2a864886f70d01010d': { key: 'rsa', hash: 'sha512' },
  '2a8648ce3d0401': { key: 'ec', hash: 'sha1' },
  '2a8648ce3d040302': { key: 'ec', hash: 'sha256' },
  '2a8648ce3d040303': { key: 'ec', hash: 'sha384' },
  '2a8648ce3d040304': { key: 'ec', hash: 'sha512' },
  '2b6570': { key: 'ed25519', hash: undefined },
};
const FAILURES: Readonly<Record<string, string>> = {
  rsa: 'crypto/rsa: verification error',
  ec: 'x509: ECDSA verification failure',
  ed25519: 'x509: Ed25519 verification failure',
};

interface Element {
  readonly tag: number;
  readonly body: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** Throws an Error when `pem` is no such request. Mirrors pkg/apis/certificates helpers.go ParseCSR. */
export function readCertificateRequest(pem: string): CertificateRequest {
  const match = PEM.exec(pem);
  if (match === null) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const [request, ...trailing] = elementsOf(Buffer.from(match[1]!, 'base64'));
  if (request === undefined || trailing.length > 0) throw new Error('asn1: syntax error: trailing data');
  const [facts, algorithm, signature] = childrenOf(request, SEQUENCE);
  const [version, subject, key, ...rest] = childrenOf(facts, SEQUENCE);
  if (version === undefined || subject === undefined || key === undefined) throw structureError();
  const pairs = childrenOf(subject, SEQUENCE).flatMap((part) =>
    childrenOf(part, SET).map((pair) => childrenOf(pair, SEQUENCE)),
  );
  const named = (oid: string): string[] =>
    pairs.filter(([type]) => idOf(type) === oid).map(([, value]) => value!.body.toString('utf8'));
  const attributes = rest.find(({ tag }) => tag === ATTRIBUTES);
  const names = attributes === undefined ? [] : alternativeNamesOf(attributes);
  const texts = (tag: number): string[] =>
    names.filter((name) => name.tag === tag).map(({ body }) => body.toString('latin1'));
  const publicKey = publicKeyOf(key);
  return {
    subject: subject.whole,
    commonName: named(COMMON_NAME).at(-1) ?? '',
    organizations: named(ORGANIZATION),
    publicKey,
    dnsNames: texts(NAMES.dns),
    ipAddresses: names.filter(({ tag }) => tag === NAMES.ip).map(addressOf),
    emailAddresses: texts(NAMES.email),
    uris: texts(NAMES.uri),
    checkSignature: () => checkSignature(facts!, algorithm, signature, publicKey),
  };
}

function publicKeyOf({ whole }: Element): KeyObject {
  try {
    return createPublicKey({ key: whole, format: 'der', type: 'spki' });
  } catch {
    throw new Error('x509: invalid public key');
  }
}

/** Mirrors crypto/x509 CertificateRequest.CheckSignature. */
function checkSignature(
  facts: Element,
  algorithm: Element | undefined,
  signature: Element | undefined,
  publicKey: KeyObject,
): void {
  const [id] = childrenOf(algorithm, SEQUENCE);
  const known = ALGORITHMS[idOf(id)];
  if (known === undefined) throw new Error('x509: cannot verify signature: algorithm unimplemented');
  if (publicKey.asymmetricKeyType !== known.key)
    throw new Error('x509: signature algorithm and public key do not match');
  if (signature?.tag !== BITS) throw structureError();
  if (!verify(known.hash, facts.whole, publicKey, signature.body.subarray(1)))
    throw new Error(FAILURES[known.key]);
}

function alternativeNamesOf(attributes: Element): Element[] {
  return elementsOf(attributes.body).flatMap((attribute) => {
    const [type, values] = childrenOf(attribute, SEQUENCE);
    if (idOf(type) !== EXTENSION_REQUEST) return [];
    return childrenOf(childrenOf(values, SET)[0], SEQUENCE).flatMap((extension) => {
      const parts = childrenOf(extension, SEQUENCE);
      if (idOf(parts[0]) !== SUBJECT_ALTERNATIVE_NAME) return [];
      const value = parts.find(({ tag }) => tag === OCTETS);
      if (value === undefined) throw structureError();
      return childrenOf(elementsOf(value.body)[0], SEQUENCE);
    });
  });
}

function addressOf({ body }: Element): string {
  if (body.length === 4) return [...body].join('.');
  if (body.length === 16) return body.toString('hex').match(/.{4}/g)!.join(':');
  throw new Error(`x509: cannot parse IP address of length ${body.length}`);
}

function idOf(element: Element | undefined): string {
  if (element?.tag !== OBJECT_IDENTIFIER) throw structureError();
  return element.body.toString('hex');
}

function childrenOf(element: Element | undefined, tag: number): Element[] {
  if (element?.tag !== tag) throw structureError();
  return elementsOf(element.body);
}

function structureError(): Error {
  return new Error('asn1: structure error');
}

function elementsOf(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    const first = bytes[at + 1] ?? 0x80;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || lengthBytes > 4 || at + 2 + lengthBytes > bytes.length)
      throw new Error('asn1: syntax error: invalid length');
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
    const start = at + 2 + lengthBytes;
    if (start + length > bytes.length) throw new Error('asn1: syntax error: data truncated');
    elements.push({
      tag,
      body: bytes.subarray(start, start + length),
      whole: bytes.subarray(at, start + length),
    });
    at = start + length;
  }
  return elements;
}
