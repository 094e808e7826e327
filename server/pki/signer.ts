import type { Clock } from '../../api/machinery/clock.ts';
import { certifyKey, type KeyAndCertificate } from './certificates.ts';
import { readSigningRequest, type SigningRequest } from './signing-request.ts';

export interface Signer {
  /** Throws an Error when `pem` is no request. */
  read(pem: string): SigningRequest;
  /** The certificate, as PEM, that the authority gives; valid from now by the machine's time, as its readers judge it. */
  sign(pem: string, usages: readonly ('server' | 'client')[], lifetimeMs: number): string;
}

export function createSigner(authority: KeyAndCertificate, wall: Clock): Signer {
  return {
    read: readSigningRequest,
    sign: (pem, usages, lifetimeMs) =>
      certifyKey(authority, { ...readSigningRequest(pem), usages, lifetimeMs }, wall.now()),
  };
}
