/** The server over real sockets: TLS, both protocols, streams, and what clients do to them. */
import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import {
  constants,
  connect as connectHttp2,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { IncomingMessage } from 'node:http';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RealClock } from '../../../api/machinery/clock.ts';
import { silentLogger } from '../../../api/machinery/logger.ts';
import { listen, type Listener } from '../../../server/adapter/node-server.ts';
import {
  createAuthority,
  issueCertificate,
  type KeyAndCertificate,
} from '../../../server/pki/certificates.ts';
import { ADMIN_TOKEN, configMap, newTestServer, type TestServer } from '../fixtures/server.ts';

const clock = new RealClock();
/** Their list takes several pieces. */
const LARGE_NAMES = Array.from({ length: 12 }, (_, index) => `large-${100 + index}`);
let server: TestServer;
let listener: Listener;
let authority: KeyAndCertificate;
let admin: KeyAndCertificate;
let stranger: KeyAndCertificate;

async function start(): Promise<Listener> {
  const certificate = issueCertificate(
    authority,
    { commonName: 'kube-apiserver', usage: 'server', hosts: ['localhost', '127.0.0.1'] },
    clock.now(),
  );
  return listen({
    fetch: server.app.fetch,
    host: '127.0.0.1',
    port: 0,
    tls: {
      key: certificate.key,
      certificate: certificate.certificate,
      clientAuthority: authority.certificate,
    },
    clock,
    logger: silentLogger,
  });
}

beforeAll(async () => {
  server = await newTestServer();
  authority = createAuthority({ commonName: 'test' }, clock.now());
  const subject = {
    commonName: 'jane',
    organizations: ['system:masters', 'developers'],
    usage: 'client' as const,
  };
  admin = issueCertificate(authority, subject, clock.now());
  stranger = issueCertificate(createAuthority({ commonName: 'other' }, clock.now()), subject, clock.now());
  listener = await start();
  for (const name of LARGE_NAMES) {
    const object = { metadata: { name }, data: { text: `${name} `.repeat(10_000) } };
    await server.call('POST', '/api/v1/namespaces/other/configmaps', object);
  }
});

afterAll(() => listener.close());

const credentials = (pair?: KeyAndCertificate) => ({
  ca: authority.certificate,
  ...(pair === undefined ? {} : { key: pair.key, cert: pair.certificate }),
});

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Text; bytes of a compressed body stand for one character each. */
async function readAll(stream: AsyncIterable<Buffer | string>, isCompressed = false): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString(isCompressed ? 'latin1' : 'utf8');
}

function overHttp1(
  path: string,
  pair?: KeyAndCertificate,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(`${listener.url}${path}`, { ...credentials(pair), headers, agent: false });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      readAll(incoming, incoming.headers['content-encoding'] === 'gzip').then(
        (body) => resolve({ status: incoming.statusCode!, headers: incoming.headers, body }),
        reject,
      );
    });
    outgoing.end();
  });
}

async function overHttp2(
  path: string,
  pair?: KeyAndCertificate,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const session = connectHttp2(listener.url, credentials(pair));
  try {
    const stream = session.request({ ':path': path, ...headers });
    const [found] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    const body = await readAll(stream, found['content-encoding'] === 'gzip');
    return { status: Number(found[':status']), headers: found, body };
  } finally {
    session.close();
  }
}

const PROTOCOLS = [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const;

const REVIEW = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

describe.each(PROTOCOLS)('over %s', (_name, fetch) => {
  it('serves a user known by certificate', async () => {
    const reply = await fetch('/api/v1/namespaces/default', admin);
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.body).metadata.name).toBe('default');
    expect(reply.headers['audit-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('writes a list of many pieces whole, plain and compressed', async () => {
    const path = '/api/v1/namespaces/other/configmaps';
    const plain = await fetch(path, admin);
    const list = JSON.parse(plain.body) as { items: { metadata: { name: string } }[] };
    expect(list.items.map(({ metadata }) => metadata.name)).toEqual(LARGE_NAMES);
    expect(Number(plain.headers['content-length'])).toBe(Buffer.byteLength(plain.body));
    const compressed = await fetch(path, admin, { 'accept-encoding': 'gzip' });
    expect(compressed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(Buffer.from(compressed.body, 'latin1')).toString()).toBe(plain.body);
  });

  it.each([
    ['a user', { 'Impersonate-User': 'nobody' }, 403],
    ['extra information without a user', { 'Impersonate-Extra-Scopes': 'view' }, 400],
  ])('lets nobody take %s for granted', async (_what, headers, status) => {
    expect((await fetch('/api/v1/namespaces/default', admin, headers)).status).toBe(status);
  });

  it('refuses a certificate of another authority', async () => {
    const reply = await fetch('/api/v1/namespaces/default', stranger);
    expect(reply.status).toBe(401);
    expect(JSON.parse(reply.body)).toMatchObject({
      kind: 'Status',
      reason: 'Unauthorized',
      message: 'Unauthorized',
    });
  });

  it('refuses a request without credentials', async () => {
    expect((await fetch('/api/v1/namespaces/default')).status).toBe(401);
  });

  it('takes a token where there is no certificate', async () => {
    const reply = await fetch('/api/v1/namespaces/default', undefined, {
      authorization: `Bearer ${ADMIN_TOKEN}`,
    });
    expect(reply.status).toBe(200);
  });

  it('compresses long answers only', async () => {
    const data = { a: 'x'.repeat(200_000) };
    await server.call('POST', '/api/v1/namespaces/default/configmaps', configMap('long', data));
    const path = '/api/v1/namespaces/default/configmaps/long';
    const compressed = await fetch(path, admin, { 'accept-encoding': 'gzip' });
    expect(compressed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect((await fetch(path, admin)).headers['content-encoding']).toBeUndefined();
    await server.call('DELETE', path);
  });
});

it('answers supertest', async () => {
  const reply = await request(listener.url)
    .get('/healthz')
    .ca(authority.certificate)
    .key(admin.key)
    .cert(admin.certificate);
  expect([reply.status, reply.text]).toEqual([200, 'ok']);
});

it('tells the groups of a certificate in order', async () => {
  const session = connectHttp2(listener.url, credentials(admin));
  const stream = session.request({ ':path': REVIEW, ':method': 'POST' });
  stream.end('{}');
  const review = JSON.parse(await readAll(stream));
  session.close();
  expect(review.status.userInfo).toEqual({
    username: 'jane',
    groups: ['system:masters', 'developers', 'system:authenticated'],
  });
});

it('answers concurrent requests on one HTTP/2 connection', async () => {
  const session = connectHttp2(listener.url, credentials(admin));
  const statuses = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const stream = session.request({ ':path': '/api/v1/namespaces' });
      const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      await readAll(stream);
      return headers[':status'];
    }),
  );
  session.close();
  expect(new Set(statuses)).toEqual(new Set([200]));
});

it('is done with a stream that its client closes without an error', async () => {
  const session = connectHttp2(listener.url, credentials(admin));
  const watch = async (): Promise<number> => {
    const stream = session.request({ ':path': WATCH + '1' });
    stream.once('response', () => stream.close());
    stream.resume();
    await once(stream, 'close');
    return stream.rstCode;
  };
  // More than a connection may have at a time.
  for (let round = 0; round < 10; round++) {
    const codes = await Promise.all(Array.from({ length: 50 }, watch));
    expect(new Set(codes)).toEqual(new Set([constants.NGHTTP2_NO_ERROR]));
  }
  session.close();
});

/** A watch that has answered with its headers, and how to hang up. */
interface OpenWatch {
  readonly body: AsyncIterable<Buffer>;
  readonly contentType: string | undefined;
  hangUp(): void;
}

function watchOverHttp1(url: string, path: string): Promise<OpenWatch> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(`${url}${path}`, { ...credentials(admin), agent: new Agent() });
    outgoing.on('error', () => {});
    outgoing.once('error', reject);
    outgoing.on('response', (incoming: IncomingMessage) => {
      incoming.on('error', () => {});
      resolve({
        body: incoming,
        contentType: incoming.headers['content-type'],
        hangUp: () => outgoing.destroy(),
      });
    });
    outgoing.end();
  });
}

async function watchOverHttp2(url: string, path: string): Promise<OpenWatch> {
  const session: ClientHttp2Session = connectHttp2(url, credentials(admin));
  session.on('error', () => {});
  const stream = session.request({ ':path': path });
  stream.on('error', () => {});
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  stream.once('close', () => session.close());
  return { body: stream, contentType: headers['content-type'], hangUp: () => session.destroy() };
}

const WATCH = '/api/v1/namespaces/other/configmaps?watch=true&resourceVersion=';

async function currentVersion(): Promise<string> {
  const { json } = await server.call('GET', '/api/v1/namespaces/other/configmaps');
  return (json['metadata'] as { resourceVersion: string }).resourceVersion;
}

describe.each([
  ['HTTP/1.1', watchOverHttp1],
  ['HTTP/2', watchOverHttp2],
] as const)('a watch over %s', (name, open) => {
  it('sends its headers before there is any event, then events as they come', async () => {
    const watch = await open(listener.url, WATCH + (await currentVersion()));
    expect(watch.contentType).toBe('application/json');
    const chunks = watch.body[Symbol.asyncIterator]();
    for (const key of ['one', 'two']) {
      const objectName = `${key}-${name.replaceAll(/\W/g, '').toLowerCase()}`;
      await server.call('POST', '/api/v1/namespaces/other/configmaps', configMap(objectName));
      const { value } = await chunks.next();
      expect(JSON.parse(String(value))).toMatchObject({
        type: 'ADDED',
        object: { metadata: { name: objectName } },
      });
    }
    watch.hangUp();
  });

  it('is cancelled when the client hangs up', async () => {
    let cancelled!: () => void;
    const seen = new Promise<void>((resolve) => (cancelled = resolve));
    const registry = Object.create(server.registry) as typeof server.registry;
    registry.watch = async (...parameters) => {
      const watch = await server.registry.watch(...parameters);
      return { revision: watch.revision, cancel: () => (watch.cancel(), cancelled()) };
    };
    const spied = await newTestServer({ registry });
    const before = server;
    server = spied;
    const other = await start();
    server = before;
    const watch = await open(other.url, WATCH + (await currentVersion()));
    watch.hangUp();
    await seen;
    await other.close();
  });

  it('ends cleanly when the server closes', async () => {
    const other = await start();
    const watch = await open(other.url, WATCH + (await currentVersion()));
    const rest = readAll(watch.body);
    await other.close();
    expect(await rest).toBe('');
  });
});

function rawConnection(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: listener.port,
      ...credentials(admin),
      ALPNProtocols: ['http/1.1'],
    });
    socket.on('error', () => {});
    socket.once('error', reject);
    socket.once('secureConnect', () => resolve(socket));
  });
}

describe('bad clients', () => {
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    [
      'a body that never comes',
      'POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"kind"',
    ],
    ['a header without end', `GET / HTTP/1.1\r\nX: ${'y'.repeat(100_000)}`],
  ])('%s does not disturb the others', async (_name, text) => {
    const socket = await rawConnection();
    socket.write(text);
    socket.destroy();
    expect((await overHttp2('/healthz', admin)).body).toBe('ok');
  });

  it('a body over the limit is refused though it goes on', async () => {
    const body = Buffer.alloc(4 * 1024 * 1024, 'x');
    const reply = await new Promise<Reply>((resolve, reject) => {
      const outgoing = httpsRequest(`${listener.url}/api/v1/namespaces`, {
        ...credentials(admin),
        method: 'POST',
        agent: false,
      });
      outgoing.on('error', reject);
      outgoing.on('response', (incoming) => {
        readAll(incoming, incoming.headers['content-encoding'] === 'gzip').then(
          (text) => resolve({ status: incoming.statusCode!, headers: incoming.headers, body: text }),
          reject,
        );
      });
      outgoing.end(body);
    });
    expect(reply.status).toBe(413);
    expect(JSON.parse(reply.body).message).toBe('Request entity too large: limit is 3145728');
  });

  it('a port in use is named', async () => {
    const certificate = issueCertificate(authority, { commonName: 'x', usage: 'server' }, clock.now());
    const again = listen({
      fetch: server.app.fetch,
      host: '127.0.0.1',
      port: listener.port,
      tls: {
        key: certificate.key,
        certificate: certificate.certificate,
        clientAuthority: authority.certificate,
      },
      clock,
      logger: silentLogger,
    });
    await expect(again).rejects.toThrow(`127.0.0.1:${listener.port} is in use by another process`);
  });
});
