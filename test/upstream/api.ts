/** Requests to a running kubemu with the client certificate of its kubeconfig, over kept connections. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import type { KubeObject } from '../../api/machinery/object-meta.ts';

interface Kubeconfig {
  readonly clusters: {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
  readonly users: {
    readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string };
  }[];
}

/** An object as JSON has it, read without types. */
// oxlint-disable-next-line typescript/no-explicit-any -- scenarios look into objects of every kind
export type Loose = KubeObject & { spec?: any; status?: any; data?: any; [field: string]: any };

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Loose;
}

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** Thrown for an answer that is no success. */
export class AnswerError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export class Api {
  readonly #server: string;
  readonly #agent: Agent;

  constructor(kubeconfig: string) {
    const config = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const decode = (text: string): Buffer => Buffer.from(text, 'base64');
    const { cluster } = config.clusters[0]!;
    const { user } = config.users[0]!;
    this.#server = cluster.server;
    this.#agent = new Agent({
      keepAlive: true,
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    });
  }

  get(path: string): Promise<Loose> {
    return this.#json('GET', path);
  }

  create(path: string, object: object): Promise<Loose> {
    return this.#json('POST', path, object);
  }

  replace(path: string, object: object): Promise<Loose> {
    return this.#json('PUT', path, object);
  }

  patch(path: string, body: object, type: keyof typeof PATCH_TYPES = 'merge'): Promise<Loose> {
    return this.#json('PATCH', path, body, PATCH_TYPES[type]);
  }

  delete(path: string, options: object = {}): Promise<Loose> {
    return this.#json('DELETE', path, options);
  }

  /** Lists, then follows a collection; resolves once the list was handed over. */
  async follow(
    path: string,
    listener: (event: WatchEvent) => void,
  ): Promise<{ readonly kind: string; end(): void }> {
    const list = await this.get(path);
    const kind: string = (list['kind'] as string).replace(/List$/, '');
    const { apiVersion } = list;
    for (const item of list['items']) listener({ type: 'ADDED', object: { apiVersion, kind, ...item } });
    const since = `watch=true&resourceVersion=${list.metadata.resourceVersion}`;
    const response = await this.#send('GET', `${path}?${since}`);
    createInterface({ input: response }).on('line', (line) => listener(JSON.parse(line) as WatchEvent));
    response.on('error', () => {});
    return { kind, end: () => void response.destroy() };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #json(method: string, path: string, body?: object, type = 'application/json'): Promise<Loose> {
    const response = await this.#send(method, path, body, type);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const answer = JSON.parse(Buffer.concat(chunks).toString()) as Loose;
    const code = response.statusCode ?? 0;
    if (code >= 300) throw new AnswerError(code, `${method} ${path}: ${code} ${answer['message']}`);
    return answer;
  }

  #send(method: string, path: string, body?: object, type?: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const content =
        text === undefined ? {} : { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) };
      const call = request(new URL(path, this.#server), {
        method,
        agent: this.#agent,
        headers: { 'User-Agent': 'kubectl/v1.36.2', ...content },
      });
      call.on('error', reject);
      call.on('response', resolve);
      call.end(text);
    });
  }
}
