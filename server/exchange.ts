/** One HTTP request on its way through the chain: the facts each stage learns and later stages read. */
import type { BodySource } from './negotiation/body-source.ts';
import type { UserInfo } from './registry/interface.ts';

/** A certificate the client presented in the TLS handshake. */
export interface ClientCertificate {
  /** Whether the client authority signed it and it is valid now. */
  readonly verified: boolean;
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Of the subject attribute 1.3.6.1.4.1.57683.2, which carries the user's UID. */
  readonly uid?: string;
}

/** What is sent over a WebSocket: every chunk of the body is a message. */
export interface WebSocketMessages {
  readonly body: ReadableStream<Uint8Array>;
  /** Messages are text, not binary. */
  readonly text: boolean;
}

/** Facts of the connection that a Request does not carry. All are optional: tests call `fetch` without a socket. */
export interface RequestEnvironment {
  /** Names and values of headers by turns, as they came: looking through them is cheaper than through Headers. */
  readonly rawHeaders?: readonly string[];
  readonly remoteAddress?: string;
  readonly clientCertificate?: ClientCertificate;
  /** Aborted when the server is closing: open watches end. */
  readonly closing?: AbortSignal;
  /** Present when the client wants to speak WebSocket. Once messages were accepted the response is not looked at. */
  readonly webSocket?: { accept(messages: WebSocketMessages): void };
  /** What responses are made with, where the platform's own class costs more than the rest of a request. */
  readonly responseClass?: typeof Response;
  /** Sends a body past the Response, which is too dear for bodies that come in many pieces. Gives what to answer instead. */
  send?(status: number, headers: Readonly<Record<string, string>>, body: BodySource): Response;
}

/** What a path and method ask for. Mirrors apiserver endpoints/request RequestInfo. */
export interface RequestInfo {
  readonly isResourceRequest: boolean;
  /** Decoded. */
  readonly path: string;
  /** get, list, watch, create, update, patch, delete, deletecollection; the lower-case method for other paths. */
  readonly verb: string;
  /** '' for the core group. */
  readonly apiGroup: string;
  readonly apiVersion: string;
  /** '' when the path names none. `namespaces/x` itself carries x. */
  readonly namespace: string;
  /** Plural name. */
  readonly resource: string;
  readonly subresource: string;
  /** From the path, or from a field selector that asks for one name. */
  readonly name: string;
  /** The path names one object (`name` may come from a selector instead). */
  readonly isItem: boolean;
  /** Path segments behind resource, name and subresource. */
  readonly rest: readonly string[];
  /** The deprecated `/watch/` prefix was used. */
  readonly isWatchPath: boolean;
}

/** Mutable: stages fill it in. */
export interface Exchange {
  readonly request: Request;
  readonly environment: RequestEnvironment;
  readonly query: URLSearchParams;
  readonly info: RequestInfo;
  /** Why the path cannot be read. */
  readonly pathError?: Error;
  /** Set by authentication. */
  user: UserInfo | undefined;
  /** Texts for Warning headers. */
  readonly warnings: string[];
  /** Headers every response to this request carries, by canonical name. */
  readonly headers: Record<string, string>;
  /** Aborted when the client went away or the deadline passed. */
  signal: AbortSignal;
}
