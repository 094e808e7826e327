/** Watches over WebSocket, and other requests that ask for another protocol. */
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { RealClock } from '../../../api/machinery/clock.ts';
import { silentLogger } from '../../../api/machinery/logger.ts';
import { listen, type Listener } from '../../../server/adapter/node-server.ts';
import { createAuthority, issueCertificate } from '../../../server/pki/certificates.ts';
import { ADMIN_TOKEN, configMap, newTestServer, type TestServer } from '../fixtures/server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const AUTHORIZATION = { authorization: `Bearer ${ADMIN_TOKEN}` };
const TOKEN_PROTOCOL = `base64url.bearer.authorization.k8s.io.${Buffer.from(ADMIN_TOKEN).toString('base64url')}`;

const clock = new RealClock();
const authority = createAuthority({ commonName: 'test' }, clock.now());
let server: TestServer;
let listener: Listener;

async function start(): Promise<Listener> {
  const subject = { commonName: 'kube-apiserver', usage: 'server' as const, hosts: ['127.0.0.1'] };
  const { key, certificate } = issueCertificate(authority, subject, clock.now());
  return listen({
    fetch: server.app.fetch,
    host: '127.0.0.1',
    port: 0,
    tls: { key, certificate, clientAuthority: authority.certificate },
    clock,
    logger: silentLogger,
  });
}

beforeAll(async () => {
  server = await newTestServer();
  await server.call('POST', MAPS, configMap('first'));
  listener = await start();
});
afterAll(() => listener.close());

function connect(
  path: string,
  protocols: string[] = [],
  headers: Record<string, string> = AUTHORIZATION,
  to = listener,
): WebSocket {
  return new WebSocket(`${to.url.replace('https', 'wss')}${path}`, protocols, {
    headers,
    ca: authority.certificate,
  });
}

/** Messages one by one. */
function messagesOf(socket: WebSocket): () => Promise<{ data: Buffer; isBinary: boolean }> {
  const waiting: { data: Buffer; isBinary: boolean }[] = [];
  let wake: (() => void) | undefined;
  socket.on('message', (data, isBinary) => {
    waiting.push({ data: data as Buffer, isBinary });
    wake?.();
  });
  return async () => {
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return waiting.shift()!;
  };
}

/** The answer to a handshake that was refused. */
async function refusal(socket: WebSocket): Promise<{ status: number; body: string }> {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode!, body };
}

describe('a watch over WebSocket', () => {
  it('sends every event as a text message', async () => {
    const socket = connect(`${MAPS}?watch=true&fieldSelector=metadata.name%3Dfirst`);
    const next = messagesOf(socket);
    const first = await next();
    expect(first.isBinary).toBe(false);
    expect(JSON.parse(first.data.toString())).toMatchObject({
      type: 'ADDED',
      object: { kind: 'ConfigMap', metadata: { name: 'first' } },
    });
    await server.call('PUT', `${MAPS}/first`, configMap('first', { a: '2' }));
    expect(JSON.parse((await next()).data.toString())).toMatchObject({
      type: 'MODIFIED',
      object: { data: { a: '2' } },
    });
    socket.close();
    await once(socket, 'close');
  });

  it('sends protobuf as binary messages without a length', async () => {
    const socket = connect(`${MAPS}?watch=true`, [], {
      ...AUTHORIZATION,
      accept: 'application/vnd.kubernetes.protobuf;stream=watch',
    });
    const { data, isBinary } = await messagesOf(socket)();
    expect([isBinary, data.toString('latin1')]).toEqual([true, expect.stringContaining('ADDED')]);
    // The first field of a WatchEvent: the type.
    expect(data[0]).toBe(0x0a);
    socket.close();
  });

  it('ends in good order when its time is over', async () => {
    const socket = connect(`${MAPS}?watch=true&timeoutSeconds=1`);
    await messagesOf(socket)();
    await server.clock.advance(1000);
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1000);
  });

  it('takes a token among the protocols, and answers with the other', async () => {
    const socket = connect(`${MAPS}?watch=true`, [TOKEN_PROTOCOL, 'mine'], {});
    await once(socket, 'open');
    expect(socket.protocol).toBe('mine');
    socket.close();
  });

  it.each<[string, string[], Record<string, string>, string, number]>([
    ['a token alone', [TOKEN_PROTOCOL], {}, '', 401],
    ['two tokens', [TOKEN_PROTOCOL, `${TOKEN_PROTOCOL}x`, 'mine'], {}, '', 401],
    ['nobody', [], {}, '', 401],
    ['two protocols', ['one', 'two'], AUTHORIZATION, '', 400],
    ['a selector that makes no sense', [], AUTHORIZATION, '&fieldSelector=x%3Dy', 400],
  ])('refuses %s', async (_name, protocols, headers, query, status) => {
    const answer = await refusal(connect(`${MAPS}?watch=true${query}`, protocols, headers));
    expect(answer.status).toBe(status);
  });

  it('ends when the server stops', async () => {
    const other = await start();
    const socket = connect(`${MAPS}?watch=true`, [], AUTHORIZATION, other);
    await messagesOf(socket)();
    const closed = once(socket, 'close');
    await other.close();
    await closed;
  });
});

describe('a request that asks for a protocol in vain', () => {
  const ask = (
    path: string,
    headers: Record<string, string>,
    method = 'GET',
  ): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const request = httpsRequest(`${listener.url}${path}`, {
        method,
        ca: authority.certificate,
        headers: { ...AUTHORIZATION, ...headers },
      });
      request.on('response', (response) => {
        let body = '';
        response.on('data', (chunk) => (body += String(chunk)));
        response.on('end', () => resolve({ status: response.statusCode!, body }));
      });
      request.on('error', reject);
      request.end();
    });

  it.each<[string, string, Record<string, string>, string, number, string]>([
    [
      'a list over WebSocket is a list',
      MAPS,
      { connection: 'Upgrade', upgrade: 'websocket' },
      'GET',
      200,
      'ConfigMapList',
    ],
    ['HTTP/2 in the clear', '/version', { connection: 'Upgrade', upgrade: 'h2c' }, 'GET', 200, 'gitVersion'],
    [
      'exec over SPDY',
      '/api/v1/namespaces/default/pods/p/exec',
      { connection: 'Upgrade', upgrade: 'SPDY/3.1' },
      'POST',
      501,
      'pods/exec is not implemented by kubemu',
    ],
  ])('%s', async (_name, path, headers, method, status, text) => {
    const answer = await ask(path, headers, method);
    expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(text)]);
  });
});
