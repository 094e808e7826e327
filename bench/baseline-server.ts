/** The servers kubemu is compared with, in one process: as bare as they can be. Prints its ports as JSON. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createSocketServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTLSServer } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { openCertificates } from '../server/pki/keep.ts';

const bodies = new Map<number, Buffer>();

function bodyOf(size: number): Buffer {
  let body = bodies.get(size);
  if (body === undefined) bodies.set(size, (body = Buffer.alloc(size, 'x')));
  return body;
}

const subscribers = { plain: new Set<Socket>(), secure: new Set<Socket>() };

function subscribe(set: Set<Socket>, socket: Socket): void {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  // What a client sends says that it is there.
  socket.once('data', () => set.add(socket));
  socket.on('close', () => set.delete(socket));
}

/** `GET /fixed/N` answers N bytes, `POST /fan-out/SET/N` writes N to every socket, other POSTs answer their body. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const [, what, ...rest] = request.url!.split('/');
  if (what === 'fixed') {
    response.setHeader('Content-Type', 'application/json');
    response.end(bodyOf(Number(rest[0])));
    return;
  }
  if (what === 'fan-out') {
    const frame = bodyOf(Number(rest[1]));
    for (const socket of subscribers[rest[0] as keyof typeof subscribers]) socket.write(frame);
    response.end('done');
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    JSON.parse(body.toString('utf8'));
    response.setHeader('Content-Type', 'application/json');
    response.end(body);
  });
}

const hono = new Hono();
hono.get('/fixed/:size', (context) =>
  context.body(bodyOf(Number(context.req.param('size'))) as unknown as ArrayBuffer, 200, {
    'Content-Type': 'application/json',
  }),
);
const honoListener = getRequestListener(hono.fetch);

const keeper = await openCertificates(undefined, Date.now());
const { key, certificate: cert } = await keeper.certificate('apiserver', {
  commonName: 'baseline',
  usage: 'server',
  hosts: ['127.0.0.1'],
});
const tls = { key, cert };

const servers: Readonly<Record<string, Server>> = {
  plain: createServer(answer),
  secure: createSecureServer(tls, answer),
  hono: createSecureServer(tls, (request, response) => void honoListener(request, response)),
  honoPlain: createServer((request, response) => void honoListener(request, response)),
  sockets: createSocketServer((socket) => subscribe(subscribers.plain, socket)),
  secureSockets: createTLSServer(tls, (socket) => subscribe(subscribers.secure, socket)),
};

const ports: Record<string, number> = {};
for (const [name, server] of Object.entries(servers)) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1024, () => resolve()));
  ports[name] = (server.address() as AddressInfo).port;
}
process.stdout.write(`${JSON.stringify(ports)}\n`);
