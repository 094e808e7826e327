/** The one place with sockets: HTTPS with HTTP/1.1 and HTTP/2 on one port, client certificates asked for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import type { Clock } from '../../api/machinery/clock.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import type { RequestEnvironment } from '../exchange.ts';
import { clientCertificateOf } from './client-certificate.ts';
import { createUpgrader } from './web-sockets.ts';
import { SocketEnvironment, type ConnectionFacts, type ServerFacts } from './socket-environment.ts';

export interface ListenOptions {
  readonly fetch: (request: Request, environment: RequestEnvironment) => Response | Promise<Response>;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly tls: {
    /** PEM. */
    readonly key: string;
    readonly certificate: string;
    /** Authority that signs client certificates. */
    readonly clientAuthority: string;
  };
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Listener {
  readonly port: number;
  /** For example `https://127.0.0.1:41234`. */
  readonly url: string;
  /** Takes no more connections, ends open watches, lets running requests finish for a moment, then hangs up. Idempotent. */
  close(): Promise<void>;
}

/** How long running requests may take to finish once the server is closing. */
const CLOSE_GRACE_MS = 2000;
/** How long an idle HTTP/1.1 connection is kept: beyond what clients keep theirs, so that they hang up first. */
const KEEP_ALIVE_MS = 180_000;
const CONCURRENT_STREAMS_MAX = 250;

/** Starts to listen. Rejects with an error that names the address when it is taken. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, port, tls } = options;
  const server = createSecureServer({
    allowHTTP1: true,
    key: tls.key,
    cert: tls.certificate,
    ca: tls.clientAuthority,
    requestCert: true,
    // Whether a certificate is good is for authentication to say, in words a client understands.
    rejectUnauthorized: false,
    settings: { maxConcurrentStreams: CONCURRENT_STREAMS_MAX },
    // In MB: the default of 10 refuses a client that reads a few large lists at once.
    maxSessionMemory: 1000,
  });
  // A quiet watch is no reason to hang up, and a slow request is bounded by the chain.
  server.setTimeout(0);
  Object.assign(server, { requestTimeout: 0, timeout: 0, keepAliveTimeout: KEEP_ALIVE_MS });
  const connections = new Connections(server, options);
  const serve = getRequestListener(
    (request, { incoming, outgoing }) => {
      connections.begin(outgoing);
      // An HTTP/2 stream that its client closes without an error is only over when its body, though empty, was read.
      if (request.method === 'GET' && 'stream' in incoming) incoming.resume();
      return options.fetch(request, connections.environmentOf(incoming, outgoing));
    },
    // The globals of the process this runs in are left alone.
    { overrideGlobalObjects: false },
  );
  server.on('request', (incoming, outgoing) => {
    serve(incoming, outgoing).catch((error: unknown) => {
      options.logger.debug('response failed', { error });
      outgoing.destroy();
    });
  });
  server.on(
    'upgrade',
    createUpgrader({
      ...options,
      environmentOf: (incoming) => connections.upgradedEnvironmentOf(incoming),
      begin: (socket) => connections.begin(socket),
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`${host}:${port} is in use by another process`) : error);
    });
    server.listen(port, host, () => resolve());
  });
  server.on('error', (error) => options.logger.error('server failed', { error }));
  const address = server.address() as AddressInfo;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  let closed: Promise<void> | undefined;
  return {
    port: address.port,
    url: `https://${shownHost}:${address.port}`,
    close: () => (closed ??= connections.close()),
  };
}

/** The connections of a server, and what runs on them. */
class Connections {
  readonly #server: Http2SecureServer;
  readonly #clock: Clock;
  readonly #sockets = new Set<TLSSocket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #facts = new WeakMap<object, ConnectionFacts>();
  readonly #closing = new AbortController();
  readonly #shared: ServerFacts;
  #running = 0;
  #idle: (() => void) | undefined;

  constructor(server: Http2SecureServer, { clock, logger }: ListenOptions) {
    this.#server = server;
    this.#clock = clock;
    this.#shared = {
      closing: this.#closing.signal,
      bodies: new Set(),
      failed: (error) => logger.error('response failed', { error }),
    };
    // What breaks on a connection is its client's affair and ends that connection only.
    server.on('secureConnection', (socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('error', () => session.destroy());
      session.once('close', () => this.#sessions.delete(session));
    });
    const refuse = (error: Error, socket: { destroy(): void }): void => {
      logger.debug('connection failed', { error: error.message });
      socket.destroy();
    };
    server.on('tlsClientError', refuse);
    server.on('clientError', refuse);
    server.on('sessionError', (error) => logger.debug('connection failed', { error: error.message }));
    server.on('unknownProtocol', (socket) => socket.destroy());
  }

  /** Counts a request until its response closes, or the socket it took over. */
  begin(outgoing: ServerResponse | Http2ServerResponse | Duplex): void {
    this.#running++;
    outgoing.on('close', this.#ended);
  }

  readonly #ended = (): void => {
    this.#running--;
    if (this.#running === 0) this.#idle?.();
  };

  environmentOf(
    incoming: IncomingMessage | Http2ServerRequest,
    outgoing: ServerResponse | Http2ServerResponse,
  ): RequestEnvironment {
    return new SocketEnvironment(this.#shared, this.#factsOf(incoming), incoming, outgoing);
  }

  /** Of a request that takes its connection over. */
  upgradedEnvironmentOf(incoming: IncomingMessage): RequestEnvironment {
    return { ...this.#factsOf(incoming), closing: this.#closing.signal };
  }

  /** Of the connection a request came on. */
  #factsOf(incoming: IncomingMessage | Http2ServerRequest): ConnectionFacts {
    const session = 'stream' in incoming ? incoming.stream.session : undefined;
    const socket = (session?.socket ?? incoming.socket) as TLSSocket;
    const key = session ?? socket;
    let facts = this.#facts.get(key);
    if (facts === undefined) {
      facts = { remoteAddress: socket.remoteAddress, clientCertificate: clientCertificateOf(socket) };
      this.#facts.set(key, facts);
    }
    return facts;
  }

  async close(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#closing.abort();
    for (const body of this.#shared.bodies) body.finish();
    for (const session of this.#sessions) session.close();
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.schedule(CLOSE_GRACE_MS, resolve);
        this.#idle = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    for (const socket of this.#sockets) socket.destroySoon();
    for (const session of this.#sessions) session.destroy();
    await stopped;
  }
}
