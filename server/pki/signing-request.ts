/** Reads PKCS #10 requests for certificates: whose, for which key, under which names. */
import { createPublicKey, type KeyObject } from 'node:crypto';

export interface SigningRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly publicKey: KeyObject;
  /** DNS names and IP addresses asked for. */
  readonly hosts: readonly string[];
}

const PEM =
  /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----/;
const SEQUENCE = 0x30;
const SET = 0x31;
const OBJECT_IDENTIFIER = 0x06;
const OCTETS = 0x04;
const ATTRIBUTES = 0xa0;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const COMMON_NAME = '550403';
const ORGANIZATION = '55040a';
const EXTENSION_REQUEST = '2a864886f70d01090e';
const SUBJECT_ALTERNATIVE_NAME = '551d11';

interface Element {
  readonly tag: number;
  readonly body: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** Throws an Error when `pem` is no such request. */
export function readSigningRequest(pem: string): SigningRequest {
  const match = PEM.exec(pem);
  if (match === null) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const [request] = elementsOf(Buffer.from(match[1]!, 'base64'));
  const [, subject, key, ...rest] = childrenOf(childrenOf(request!, SEQUENCE)[0]!, SEQUENCE);
  const names = childrenOf(subject!, SEQUENCE).flatMap((part) =>
    childrenOf(part, SET).map((pair) => childrenOf(pair, SEQUENCE)),
  );
  const named = (oid: string): string[] =>
    names.filter(([type]) => idOf(type!) === oid).map(([, value]) => value!.body.toString('utf8'));
  const attributes = rest.find(({ tag }) => tag === ATTRIBUTES);
  return {
    commonName: named(COMMON_NAME)[0] ?? '',
    organizations: named(ORGANIZATION),
    publicKey: createPublicKey({ key: key!.whole, format: 'der', type: 'spki' }),
    hosts: attributes === undefined ? [] : hostsOf(attributes),
  };
}

function hostsOf(attributes: Element): string[] {
  return elementsOf(attributes.body).flatMap((attribute) => {
    const [type, values] = childrenOf(attribute, SEQUENCE);
    if (idOf(type!) !== EXTENSION_REQUEST) return [];
    return childrenOf(childrenOf(values!, SET)[0]!, SEQUENCE).flatMap((extension) => {
      const parts = childrenOf(extension, SEQUENCE);
      if (idOf(parts[0]!) !== SUBJECT_ALTERNATIVE_NAME) return [];
      const value = parts.find(({ tag }) => tag === OCTETS)!;
      return childrenOf(elementsOf(value.body)[0]!, SEQUENCE).flatMap(hostOf);
    });
  });
}

function hostOf({ tag, body }: Element): string[] {
  if (tag === DNS_NAME) return [body.toString('latin1')];
  if (tag !== IP_ADDRESS) return [];
  if (body.length === 4) return [[...body].join('.')];
  return [body.toString('hex').match(/.{4}/g)!.join(':')];
}

function idOf({ tag, body }: Element): string {
  if (tag !== OBJECT_IDENTIFIER) throw new Error('asn1: structure error');
  return body.toString('hex');
}

function childrenOf(element: Element, tag: number): Element[] {
  if (element.tag !== tag) throw new Error('asn1: structure error');
  return elementsOf(element.body);
}

function elementsOf(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    const first = bytes[at + 1] ?? 0x80;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || lengthBytes > 4 || at + 2 + lengthBytes > bytes.length)
      throw new Error('asn1: syntax error');
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
