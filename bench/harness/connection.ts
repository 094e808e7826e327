/**
 * A bare HTTP/1.1 client on one connection, so that what is measured is the server: requests are bytes made beforehand,
 * answers are counted, not decoded.
 */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTLS } from 'node:tls';
import { now } from './measure.ts';

export interface Endpoint {
  readonly port: number;
  /** Absent: plain. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

export interface Reply {
  readonly status: number;
  readonly bytes: number;
  /** From sending to the first byte of the body, and to the last. */
  readonly firstByteMs: number;
  readonly totalMs: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  readonly sentAt: number;
  head: Buffer | undefined;
  status: number;
  /** Undefined while chunks come. */
  left: number | undefined;
  bytes: number;
  firstByteAt: number;
}

export class Connection {
  readonly #socket: Socket;
  #pending: Pending | undefined;
  #onData: ((bytes: number) => void) | undefined;

  static async open({ port, tls }: Endpoint): Promise<Connection> {
    const host = '127.0.0.1';
    const socket =
      tls === undefined
        ? connectPlain({ host, port })
        : connectTLS({ host, port, ...tls, rejectUnauthorized: tls.ca !== undefined });
    await new Promise<void>((resolve, reject) => {
      socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve);
      socket.once('error', reject);
    });
    socket.setNoDelay(true);
    return new Connection(socket);
  }

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#pending?.reject(error));
    socket.on('close', () => this.#pending?.reject(new Error('the server hung up')));
  }

  request(bytes: Buffer): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#pending = {
        resolve,
        reject,
        sentAt: now(),
        head: undefined,
        status: 0,
        left: undefined,
        bytes: 0,
        firstByteAt: 0,
      };
      this.#socket.write(bytes);
    });
  }

  /** Sends a request and counts what comes from then on, heads and framing included. */
  listen(bytes: Buffer, onData: (bytes: number) => void): void {
    this.#onData = onData;
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#onData !== undefined) {
      this.#onData(chunk.length);
      return;
    }
    const pending = this.#pending;
    if (pending === undefined) return;
    let body = chunk;
    if (pending.status === 0) {
      const head = pending.head === undefined ? chunk : Buffer.concat([pending.head, chunk]);
      const end = head.indexOf(HEAD_END);
      if (end < 0) {
        pending.head = head;
        return;
      }
      const text = head.toString('latin1', 0, end);
      pending.status = Number(text.slice(9, 12));
      const length = /content-length: *(\d+)/i.exec(text)?.[1];
      pending.left = length === undefined ? undefined : Number(length);
      body = head.subarray(end + HEAD_END.length);
    }
    if (body.length > 0 && pending.firstByteAt === 0) pending.firstByteAt = now();
    pending.bytes += body.length;
    if (pending.left === undefined ? !endsWithLastChunk(body) : pending.bytes < pending.left) return;
    this.#pending = undefined;
    const { status, bytes, sentAt, firstByteAt } = pending;
    pending.resolve({ status, bytes, firstByteMs: firstByteAt - sentAt, totalMs: now() - sentAt });
  }
}

function endsWithLastChunk(chunk: Buffer): boolean {
  return chunk.length >= LAST_CHUNK.length && LAST_CHUNK.equals(chunk.subarray(-LAST_CHUNK.length));
}

export function openConnections(endpoint: Endpoint, count: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => Connection.open(endpoint)));
}

export interface MediaTypes {
  /** Default application/json. */
  readonly accept?: string;
  readonly contentType?: string;
}

export function requestBytes(
  method: string,
  path: string,
  body?: Buffer | string,
  { accept = 'application/json', contentType = 'application/json' }: MediaTypes = {},
): Buffer {
  const content = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', `Accept: ${accept}`];
  if (body !== undefined) {
    lines.push(`Content-Type: ${contentType}`, `Content-Length: ${content.length}`);
  }
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), content]);
}

/** A request whose failure is the end of the run. */
export async function succeed(connection: Connection, bytes: Buffer): Promise<Reply> {
  const reply = await connection.request(bytes);
  if (reply.status >= 200 && reply.status < 300) return reply;
  throw new Error(`${bytes.toString('utf8').split('\r\n', 1)[0]}: answered ${reply.status}`);
}
