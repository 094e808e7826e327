/** What a TLS connection tells about the client at its other end. */
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../exchange.ts';

/** Subject attribute that carries a user's UID (1.3.6.1.4.1.57683.2), as Node names attributes it does not know. */
const UID_ATTRIBUTE = '1.3.6.1.4.1.57683.2';

/** The certificate the client presented, if any; `verified` as the handshake found it. */
export function clientCertificateOf(socket: TLSSocket): ClientCertificate | undefined {
  const { raw, subject } = socket.getPeerCertificate() ?? {};
  // An empty object stands for no certificate.
  if (raw === undefined) return undefined;
  const uid = attributes(new X509Certificate(raw).subject, UID_ATTRIBUTE)[0];
  return {
    verified: socket.authorized,
    commonName: listOf(subject?.CN).at(-1) ?? '',
    organizations: listOf(subject?.O),
    ...(uid === undefined ? {} : { uid }),
  };
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

/** Values of an attribute in a subject written one attribute a line. */
function attributes(subject: string | undefined, name: string): string[] {
  const lines = (subject ?? '').split('\n');
  return lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
}
