/** Bearer tokens among the protocols of a WebSocket, for browsers, which cannot set headers. Mirrors authentication/request/websocket. */

const PREFIX = 'base64url.bearer.authorization.k8s.io.';
const BASE64URL = /^[A-Za-z0-9_-]*$/;

export interface OfferedProtocols {
  /** Those that are no tokens. */
  readonly protocols: readonly string[];
  /** Undefined when none is offered; false when there is not exactly one good one, or nothing but it. */
  readonly token: string | false | undefined;
}

/** What a Sec-WebSocket-Protocol header offers. */
export function parseProtocols(header: string | null): OfferedProtocols {
  const all = (header ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  const protocols = all.filter((protocol) => !protocol.startsWith(PREFIX));
  const encoded = all
    .filter((protocol) => protocol.startsWith(PREFIX))
    .map((text) => text.slice(PREFIX.length));
  if (encoded.length === 0) return { protocols, token: undefined };
  const token = encoded.length === 1 ? decode(encoded[0]!) : undefined;
  if (token === undefined) return { protocols, token: false };
  if (token === '') return { protocols, token: undefined };
  // One must be left to tell the client which was taken.
  return { protocols, token: protocols.length === 0 ? false : token };
}

function decode(text: string): string | undefined {
  if (!BASE64URL.test(text)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64url'));
  } catch {
    return undefined;
  }
}
