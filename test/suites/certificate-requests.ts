/** Requests for certificates, made here so that nothing has to be installed for them. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import {
  bits,
  context,
  contextBytes,
  integer,
  octets,
  oid,
  sequence,
  set,
  utf8,
} from '../../server/pki/der.ts';

/** For a client certificate in the name of `web`, signed by a key nobody has. */
export const SIGNED_REQUEST = `-----BEGIN CERTIFICATE REQUEST-----
MIHIMHACAQAwDjEMMAoGA1UEAwwDd2ViMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAE4ZEwyN7sp7wHDUl/Da39wvx6dMOzz76BHXvvX34elnSlNWMEEQNDb2f7kAIV
00h17J+dxWnY85t+Mwg3D1+An6AAMAoGCCqGSM49BAMCA0gAMEUCIQDqoVLGCZU+
85fw7edY0ir1w3v3r+ZoyDM59Enw4tGtnQIga1GOw+U0j2D1y25t3VV7X4S2+cb4
O9AEqsbAaQmKV/o=
-----END CERTIFICATE REQUEST-----
`;

export interface RequestParts {
  readonly commonName?: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly (readonly number[])[];
  readonly emailAddresses?: readonly string[];
  readonly uris?: readonly string[];
  readonly key?: keyof typeof KEYS;
  /** Changes the signature. */
  readonly isForged?: boolean;
}

/** Kinds of keys, and how they sign. */
const KEYS = {
  'rsa sha256': [
    '1.2.840.113549.1.1.11',
    'sha256',
    () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ],
  'rsa sha512': [
    '1.2.840.113549.1.1.13',
    'sha512',
    () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ],
  'p256 sha256': ['1.2.840.10045.4.3.2', 'sha256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  'p384 sha384': ['1.2.840.10045.4.3.3', 'sha384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ed25519: ['1.3.101.112', undefined, () => generateKeyPairSync('ed25519')],
  'rsa md5': ['1.2.840.113549.1.1.4', 'md5', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
} as const;

/** The names of the kinds of keys. */
export const KEY_KINDS = Object.keys(KEYS) as (keyof typeof KEYS)[];

/** A request as PEM. */
export function certificateRequest(parts: RequestParts): string {
  const [algorithm, hash, generate] = KEYS[parts.key ?? 'p256 sha256'];
  const { publicKey, privateKey } = generate() as { publicKey: KeyObject; privateKey: KeyObject };
  const facts = sequence(
    integer(Buffer.from([0])),
    subject(parts),
    publicKey.export({ type: 'spki', format: 'der' }),
    context(0, ...attributes(parts)),
  );
  const signature = sign(hash, facts, privateKey);
  if (parts.isForged === true) signature[signature.length - 1]! ^= 1;
  const der = sequence(facts, sequence(oid(algorithm)), bits(signature));
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

function subject({ commonName, organizations = [] }: RequestParts): Buffer {
  const part = (id: string, text: string): Buffer => set(sequence(oid(id), utf8(text)));
  return sequence(
    ...organizations.map((name) => part('2.5.4.10', name)),
    ...(commonName === undefined ? [] : [part('2.5.4.3', commonName)]),
  );
}

function attributes({
  dnsNames = [],
  ipAddresses = [],
  emailAddresses = [],
  uris = [],
}: RequestParts): Buffer[] {
  const names = [
    ...dnsNames.map((name) => contextBytes(2, Buffer.from(name))),
    ...ipAddresses.map((address) => contextBytes(7, Buffer.from(address))),
    ...emailAddresses.map((name) => contextBytes(1, Buffer.from(name))),
    ...uris.map((name) => contextBytes(6, Buffer.from(name))),
  ];
  if (names.length === 0) return [];
  const extension = sequence(oid('2.5.29.17'), octets(sequence(...names)));
  return [sequence(oid('1.2.840.113549.1.9.14'), set(sequence(extension)))];
}
