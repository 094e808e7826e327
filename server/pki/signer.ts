import { readCertificateRequest } from '../../api/groups/certificates/certificate-request.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import { certifyRequest, type KeyAndCertificate } from './certificates.ts';

export interface Signer {
  /**
   * The certificate, as PEM, that the authority gives for a request, with the usages of the API; valid from now by the
   * machine's time, as its readers judge it. Throws an Error when `pem` is no request, or not signed with its own key.
   */
  sign(pem: string, usages: readonly string[], lifetimeMs: number): string;
}

export function createSigner(authority: KeyAndCertificate, wall: Clock): Signer {
  return {
    sign: (pem, usages, lifetimeMs) => {
      const request = readCertificateRequest(pem);
      try {
        request.checkSignature();
      } catch (error) {
        throw new Error(`unable to verify certificate request signature: ${(error as Error).message}`);
      }
      return certifyRequest(authority, { request, usages, lifetimeMs }, wall.now());
    },
  };
}
