/** Servers under measurement run in processes of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import type { Endpoint } from './connection.ts';
import { now } from './measure.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const COMMAND = join(ROOT, 'dist', 'kubemu.js');

export interface ServerProcess {
  readonly pid: number;
  /** HTTPS, with the administrator's certificate. */
  readonly endpoint: Endpoint;
  /** From spawning to the line that says it is ready. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** No scheduler, no nodes, and of the controllers the one without which no pod is admitted. */
export const QUIET: readonly string[] = [
  '--scheduler=off',
  '--nodes=0',
  '--controllers=serviceaccount-controller',
];

/** Starts the command, in memory unless `--data-dir` is among the options. */
export async function startKubemu(options: readonly string[] = QUIET): Promise<ServerProcess> {
  const isKept = options.some((option) => option.startsWith('--data-dir'));
  const began = now();
  const child = spawn(
    process.execPath,
    [COMMAND, 'start', '--port=0', ...(isKept ? [] : ['--memory']), ...options],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let readyMs = 0;
  const kubeconfig = await firstLine(child, (line) => {
    if (line.startsWith('kubemu is ready')) readyMs = now() - began;
    return line.startsWith('export KUBECONFIG=') ? line.slice('export KUBECONFIG='.length) : undefined;
  });
  return { pid: child.pid!, endpoint: endpointOf(kubeconfig), readyMs, stop: stopper(child) };
}

export interface BaselineProcess {
  readonly pid: number;
  /** Bare node:http and node:https. */
  readonly plain: Endpoint;
  readonly secure: Endpoint;
  /** A bare Hono app, over HTTPS and HTTP. */
  readonly hono: Endpoint;
  readonly honoPlain: Endpoint;
  /** Sockets that are written to as `POST /fan-out` on `plain` tells. */
  readonly sockets: Endpoint;
  readonly secureSockets: Endpoint;
  stop(): Promise<void>;
}

export async function startBaseline(): Promise<BaselineProcess> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, '..', 'baseline-server.ts')],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: ROOT },
  );
  const line = await firstLine(child, (text) => (text.startsWith('{') ? text : undefined));
  const ports = JSON.parse(line) as Record<string, number>;
  const plain = (name: string): Endpoint => ({ port: ports[name]! });
  const secure = (name: string): Endpoint => ({ port: ports[name]!, tls: {} });
  return {
    pid: child.pid!,
    plain: plain('plain'),
    secure: secure('secure'),
    hono: secure('hono'),
    honoPlain: plain('honoPlain'),
    sockets: plain('sockets'),
    secureSockets: secure('secureSockets'),
    stop: stopper(child),
  };
}

/** A folder that `remove` deletes. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'kubemu-bench-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

async function firstLine(child: ChildProcess, pick: (line: string) => string | undefined): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const found = pick(line);
    if (found === undefined) continue;
    child.stdout!.resume();
    return found;
  }
  throw new Error('a server ended before it was ready');
}

function stopper(child: ChildProcess): () => Promise<void> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return () => {
    child.kill();
    return exited;
  };
}

function endpointOf(kubeconfig: string): Endpoint {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: Record<string, string> }[];
  };
  const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();
  const { cluster } = config.clusters[0]!;
  const { user } = config.users[0]!;
  return {
    port: Number(new URL(cluster['server']!).port),
    tls: {
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    },
  };
}
