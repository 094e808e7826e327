/** What a TLS connection tells about the client at its other end. */
import type { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../exchange.ts';

/** Subject attribute that carries a user's UID, named as Node names attributes it does not know. */
const UID_ATTRIBUTE = '1.3.6.1.4.1.57683.2';

/** The certificate the client presented, if any; `verified` as the handshake found it. */
export function clientCertificateOf(
  socket: Pick<TLSSocket, 'getPeerCertificate' | 'authorized'>,
): ClientCertificate | undefined {
  const { raw, subject } = socket.getPeerCertificate() ?? {};
  // An empty object stands for no certificate.
  if (raw === undefined) return undefined;
  const attributes = { ...subject } as Readonly<Record<string, string | readonly string[]>>;
  const [uid] = listOf(attributes[UID_ATTRIBUTE]);
  return {
    verified: socket.authorized,
    commonName: listOf(attributes['CN']).at(-1) ?? '',
    organizations: listOf(attributes['O']),
    ...(uid === undefined ? {} : { uid }),
  };
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}
