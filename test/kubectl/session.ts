/** One kubectl against one fresh cluster, for the tests of command families. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import {
  findKubectls,
  runner,
  startKubemu,
  temporaryFolder,
  type Kubectl,
  type Output,
  type RunOptions,
} from './harness.ts';

// oxlint-disable-next-line no-explicit-any -- whatever kubectl prints; the assertions say what it must be
export type Json = any;

export const kubectls: Kubectl[] = findKubectls();

export interface Session {
  /** Minor version of kubectl. */
  readonly minor: number;
  readonly kubeconfig: string;
  run(args: readonly string[], options?: RunOptions): Promise<Output>;
  /** Standard output. */
  text(...args: string[]): Promise<string>;
  /** Standard error of a command that fails. */
  failure(...args: string[]): Promise<string>;
  json(...args: string[]): Promise<Json>;
  /** Lines of a table as cells. */
  table(...args: string[]): Promise<string[][]>;
  /** A command that reads `manifest` by `-f -`. */
  feed(manifest: string, ...args: string[]): Promise<string>;
  /** Writes a file below the home folder and answers with its path. */
  file(name: string, content: string): string;
  end(): Promise<void>;
}

export async function openSession(kubectl: Kubectl, args: readonly string[] = []): Promise<Session> {
  const home = temporaryFolder();
  const server = await startKubemu(['--memory', '--log-level', 'error', ...args]);
  const run = runner(kubectl, server.kubeconfig, home.path);
  const text = async (...words: string[]): Promise<string> => (await run(words)).stdout;
  const version = JSON.parse(await text('version', '--client', '-o', 'json')) as {
    clientVersion: { minor: string };
  };
  return {
    minor: Number.parseInt(version.clientVersion.minor, 10),
    kubeconfig: server.kubeconfig,
    run,
    text,
    failure: async (...words) => (await run(words, { code: 1 })).stderr,
    json: async (...words) => JSON.parse(await text(...words, '-o', 'json')) as Json,
    table: async (...words) =>
      (await text(...words))
        .trim()
        .split('\n')
        .map((line) => line.split(/ {2,}/).map((cell) => cell.trim())),
    feed: async (manifest, ...words) => (await run([...words, '-f', '-'], { stdin: manifest })).stdout,
    file: (name, content) => {
      const path = join(home.path, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      return path;
    },
    end: async () => {
      expect(await server.stop(), server.errors()).toBe(0);
      expect(server.errors()).toBe('');
      home.remove();
    },
  };
}

export function configMap(
  name: string,
  data: Record<string, string>,
  labels: Record<string, string> = {},
): string {
  return JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, labels }, data });
}
