/** What the app is told of the connection behind a request, and its way to write past the Response. */
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Writable } from 'node:stream';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { ClientCertificate, RequestEnvironment } from '../exchange.ts';
import type { BodySource } from '../negotiation/body-source.ts';
import { lightResponseClass } from './light-response.ts';
import { pour } from './outgoing-body.ts';

/** Facts of a connection, found once. */
export interface ConnectionFacts {
  readonly remoteAddress?: string;
  readonly clientCertificate?: ClientCertificate;
}

export interface ServerFacts {
  readonly closing: AbortSignal;
  /** Bodies being written, which end when the server closes. */
  readonly bodies: Set<BodySource>;
  failed(error: unknown): void;
}

export class SocketEnvironment implements RequestEnvironment {
  readonly responseClass = lightResponseClass();
  readonly #server: ServerFacts;
  readonly #connection: ConnectionFacts;
  readonly #incoming: { readonly rawHeaders: readonly string[] };
  readonly #outgoing: ServerResponse | Http2ServerResponse;

  constructor(
    server: ServerFacts,
    connection: ConnectionFacts,
    incoming: { readonly rawHeaders: readonly string[] },
    outgoing: ServerResponse | Http2ServerResponse,
  ) {
    this.#server = server;
    this.#connection = connection;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  get rawHeaders(): readonly string[] {
    return this.#incoming.rawHeaders;
  }

  get remoteAddress(): string | undefined {
    return this.#connection.remoteAddress;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.#connection.clientCertificate;
  }

  get closing(): AbortSignal {
    return this.#server.closing;
  }

  send(status: number, headers: Readonly<Record<string, string>>, body: BodySource): Response {
    const outgoing = this.#outgoing;
    if (isGone(outgoing)) {
      body.cancel();
      return RESPONSE_ALREADY_SENT;
    }
    const { bodies, closing, failed } = this.#server;
    outgoing.writeHead(status, headers);
    bodies.add(body);
    outgoing.on('close', () => bodies.delete(body));
    pour(body, outgoing as unknown as Writable, failed);
    // Nothing may come for long; the client wants to know that it is being served.
    if ('flushHeaders' in outgoing && !outgoing.writableEnded) outgoing.flushHeaders();
    if (closing.aborted) body.finish();
    return RESPONSE_ALREADY_SENT;
  }
}

function isGone(outgoing: ServerResponse | Http2ServerResponse): boolean {
  if (!('stream' in outgoing)) return outgoing.destroyed;
  const { stream } = outgoing;
  return stream === undefined || stream.closed || stream.destroyed;
}
