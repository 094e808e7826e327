/** Requests to a running kubemu with the certificates of its kubeconfig. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { parse } from 'yaml';
import type { RunningKubemu } from '../kubectl/harness.ts';

interface Kubeconfig {
  readonly clusters: { readonly cluster: { readonly 'certificate-authority-data': string } }[];
  readonly users: {
    readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string };
  }[];
}

/** Rejects with status and body when the answer is no success. */
export async function control(
  kubemu: RunningKubemu,
  method: string,
  path: string,
  body?: object,
): Promise<void> {
  const config = parse(readFileSync(kubemu.kubeconfig, 'utf8')) as Kubeconfig;
  const decode = (text: string): Buffer => Buffer.from(text, 'base64');
  const { user } = config.users[0]!;
  await new Promise<void>((resolve, reject) => {
    const call = request(new URL(path, kubemu.url), {
      method,
      ca: decode(config.clusters[0]!.cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
      agent: false,
      headers: { 'Content-Type': 'application/json' },
    });
    call.on('error', reject);
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        if (status < 300) resolve();
        else reject(new Error(`${method} ${path}: ${status} ${Buffer.concat(chunks).toString()}`));
      });
    });
    call.end(body === undefined ? '' : JSON.stringify(body));
  });
}
