/**
 * Speed, as ratios against raw baselines measured in the same run. Prints a table to standard error and JSON to standard
 * output. Loops are bounded in count.
 */
import { spawn, spawnSync } from 'node:child_process';
import { Agent, createServer, request as httpRequest, type Server } from 'node:http';
import { connect, type ClientHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const COMMAND = join(import.meta.dirname, '..', 'dist', 'kubemu.js');
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const REQUESTS = 2000;
const CLIENTS = 16;
const ROUNDS = 5;

interface Credentials {
  readonly url: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const seconds = (): number => Number(process.hrtime.bigint()) / 1e9;
const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

function nodeStartMs(): number {
  return median(
    Array.from({ length: ROUNDS }, () => {
      const began = seconds();
      spawnSync(process.execPath, ['-e', '0']);
      return (seconds() - began) * 1000;
    }),
  );
}

/** Starts the command and waits for its ready line. */
async function startKubemu(): Promise<{
  credentials: Credentials;
  pid: number;
  readyMs: number;
  stop(): Promise<void>;
}> {
  const began = seconds();
  const child = spawn(process.execPath, [COMMAND, 'start', '--memory', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let readyMs = 0;
  let kubeconfig = '';
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('kubemu is ready')) readyMs = (seconds() - began) * 1000;
    if (line.startsWith('export KUBECONFIG=')) {
      kubeconfig = line.slice('export KUBECONFIG='.length);
      break;
    }
  }
  const config = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: Record<string, string> }[];
  };
  const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();
  const { cluster } = config.clusters[0]!;
  const { user } = config.users[0]!;
  return {
    credentials: {
      url: cluster['server']!,
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    },
    pid: child.pid!,
    readyMs,
    stop: () => {
      child.kill();
      return exited;
    },
  };
}

function residentMB(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return (pages * 4096) / 1e6;
}

/** One request over the session; resolves with the body's size. */
function send(session: ClientHttp2Session, method: string, path: string, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, 'content-type': 'application/json' });
    let size = 0;
    let status = 0;
    stream.on('response', (headers) => (status = Number(headers[':status'])));
    stream.on('data', (chunk: Buffer) => (size += chunk.length));
    stream.on('end', () =>
      status < 300 ? resolve(size) : reject(new Error(`${method} ${path}: ${status}`)),
    );
    stream.on('error', reject);
    stream.end(body);
  });
}

/** `count` calls, CLIENTS at a time; calls per second. */
async function rate(count: number, call: (index: number) => Promise<unknown>): Promise<number> {
  const began = seconds();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: CLIENTS }, worker));
  return count / (seconds() - began);
}

/** A bare node:http server that reads a body and answers one of `size` bytes. */
async function bareServer(size: number): Promise<Server> {
  const answer = Buffer.alloc(size, 'x');
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (chunks.length > 0) JSON.parse(Buffer.concat(chunks).toString());
      response.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function bareCall(server: Server, method: string, body?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const call = httpRequest({ host: '127.0.0.1', port, method, agent }, (response) => {
      response.on('data', () => {});
      response.on('end', resolve);
    });
    call.on('error', reject);
    call.end(body);
  });
}

const configMap = (index: number): string =>
  JSON.stringify({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: `bench-${index}` },
    data: { value: 'x'.repeat(1800) },
  });

const baselineMs = nodeStartMs();
const kubemu = await startKubemu();
const idleMB = residentMB(kubemu.pid);
const session = connect(kubemu.credentials.url, {
  ca: kubemu.credentials.ca,
  cert: kubemu.credentials.cert,
  key: kubemu.credentials.key,
});
const collection = '/api/v1/namespaces/default/configmaps';
const create = await rate(REQUESTS, (index) => send(session, 'POST', collection, configMap(index)));
let objectBytes = 0;
const get = await rate(
  REQUESTS,
  async (index) => (objectBytes = await send(session, 'GET', `${collection}/bench-${index}`)),
);
let listBytes = 0;
const list = await rate(20, async () => (listBytes = await send(session, 'GET', collection)));
session.close();
await kubemu.stop();

const small = await bareServer(objectBytes);
const bareCreate = await rate(REQUESTS, (index) => bareCall(small, 'POST', configMap(index)));
const bareGet = await rate(REQUESTS, () => bareCall(small, 'GET'));
small.close();
const large = await bareServer(listBytes);
const bareList = await rate(20, () => bareCall(large, 'GET'));
large.close();
agent.destroy();

const round = (value: number): number => Math.round(value * 100) / 100;
const report = {
  node: process.version,
  readyMs: round(kubemu.readyMs),
  readyToNodeStart: round(kubemu.readyMs / baselineMs),
  idleResidentMB: round(idleMB),
  createPerSecond: round(create),
  createToBareHTTP: round(create / bareCreate),
  getPerSecond: round(get),
  getToBareHTTP: round(get / bareGet),
  listObjects: REQUESTS,
  listPerSecond: round(list),
  listToBareHTTP: round(list / bareList),
};
for (const [name, value] of Object.entries(report)) process.stderr.write(`${name.padEnd(20)} ${value}\n`);
process.stdout.write(`${JSON.stringify(report)}\n`);
