/** The one place with sockets: HTTPS with HTTP/1.1 and HTTP/2 on one port, client certificates asked for. */
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import type { App } from './http/app.ts';
import type { RequestEnvironment } from './http/request.ts';

export interface ListenOptions {
  readonly app: App;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
  readonly authority: string;
}

export interface Listener {
  readonly port: number;
  readonly url: string;
  /** Takes no more connections and ends those there are. */
  close(): Promise<void>;
}

/** Starts to listen. Rejects with an error that names the address when it is taken. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const server = createSecureServer({
    allowHTTP1: true,
    key: options.key,
    cert: options.certificate,
    ca: options.authority,
    requestCert: true,
    // Whether a certificate is good is for authentication to say, in words a client understands.
    rejectUnauthorized: false,
  });
  server.on('request', getRequestListener((request, bindings) => options.app.fetch(request, environmentOf(bindings.incoming)), { overrideGlobalObjects: false }));
  // A quiet watch is no reason to hang up.
  server.setTimeout(0);
  const close = trackConnections(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`${options.host}:${options.port} is in use by another process`) : error);
    });
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { port, url: `https://${host}:${port}`, close };
}

/** Connections that break are the client's affair; all of them are ended on close. */
function trackConnections(server: Http2SecureServer): () => Promise<void> {
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('sessionError', () => {});
  server.on('clientError', (_error, socket: Socket) => socket.destroy());
  return () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.end();
      // What does not end by itself within a turn of the loop is cut.
      for (const socket of sockets) socket.destroySoon();
    });
}

const environments = new WeakMap<Socket, RequestEnvironment>();

/** The connection's facts, found once per connection. */
function environmentOf(incoming: IncomingMessage | Http2ServerRequest): RequestEnvironment {
  const socket = 'stream' in incoming ? (incoming.stream.session?.socket as TLSSocket | undefined) : (incoming.socket as TLSSocket);
  if (socket === undefined) return {};
  let environment = environments.get(socket);
  if (environment === undefined) environments.set(socket, (environment = inspect(socket)));
  return environment;
}

function inspect(socket: TLSSocket): RequestEnvironment {
  const certificate = socket.getPeerCertificate();
  // An empty object stands for no certificate.
  if (certificate?.subject === undefined) return {};
  if (!socket.authorized) return { peerRejected: true };
  const organization = certificate.subject.O as string | string[] | undefined;
  const organizations = organization === undefined ? [] : Array.isArray(organization) ? organization : [organization];
  return { peer: { commonName: [certificate.subject.CN].flat()[0] ?? '', organizations } };
}
