/** How to check tokens of service accounts elsewhere. Mirrors kubernetes routes/openidmetadata.go. */
import { ISSUER } from '../authn/authenticator.ts';
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts';
import type { Exchange } from '../exchange.ts';
import { respond } from '../negotiation/respond.ts';

const CONFIGURATION_PATH = '/.well-known/openid-configuration';
const KEYS_PATH = '/openid/v1/jwks';
export const OPENID_PATHS: readonly string[] = [CONFIGURATION_PATH, KEYS_PATH];

const CACHE = { 'Cache-Control': 'public, max-age=3600' };

/** Answers both documents; undefined when the path is neither. `serverAddress` is `host:port`. */
export function createOpenIDMetadata(tokens: ServiceAccountTokens, serverAddress: () => string) {
  return async (exchange: Exchange): Promise<Response | undefined> => {
    const { path } = exchange.info;
    if (path === CONFIGURATION_PATH) {
      const headers = { 'Content-Type': 'application/json', ...CACHE };
      return respond(exchange, 200, headers, JSON.stringify(configuration(serverAddress())));
    }
    if (path !== KEYS_PATH) return undefined;
    const headers = { 'Content-Type': 'application/jwk-set+json', ...CACHE };
    return respond(exchange, 200, headers, JSON.stringify(await tokens.keySet()));
  };
}

function configuration(address: string): object {
  return {
    issuer: ISSUER,
    jwks_uri: `https://${address}${KEYS_PATH}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}
