/** One kubectl against one fresh cluster, for the tests of command families. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import {
  findKubectls,
  runner,
  startKubemu,
  tableCells,
  temporaryFolder,
  watch,
  type Kubectl,
  type Output,
  type RunOptions,
  type Watching,
} from './harness.ts';

// oxlint-disable-next-line no-explicit-any -- whatever kubectl prints; the assertions say what it must be
export type Json = any;

export const kubectls: Kubectl[] = findKubectls();
/** The last of them; for tests that need one only. */
export const newestKubectl: Kubectl | undefined = kubectls.at(-1);

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
  /** Standard output of a command line whose words stand apart by blanks, without white space around. */
  line(command: string, stdin?: string): Promise<string>;
  /** A command that reads `manifest` by `-f -`. */
  feed(manifest: string, ...args: string[]): Promise<string>;
  /** Sends a request to the control surface, below `/_kubemu/`, and answers with what came back. */
  control(path: string, body: object): Promise<string>;
  /** A command that keeps printing. */
  watch(...args: string[]): Watching;
  /** Writes a file below the home folder and answers with its path. */
  file(name: string, content: string): string;
  end(): Promise<void>;
}

export async function openSession(kubectl: Kubectl, args: readonly string[] = []): Promise<Session> {
  const home = temporaryFolder();
  const server = await startKubemu(['--memory', '--log-level', 'error', ...args]);
  const run = runner(kubectl, server.kubeconfig, home.path);
  const text = async (...words: string[]): Promise<string> => (await run(words)).stdout;
  const feed = async (manifest: string, ...words: string[]): Promise<string> =>
    (await run([...words, '-f', '-'], { stdin: manifest })).stdout;
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
    table: async (...words) => tableCells(await text(...words)),
    line: async (command, stdin) =>
      (await run(command.split(' '), stdin === undefined ? {} : { stdin })).stdout.trim(),
    feed,
    control: (path, body) => feed(JSON.stringify(body), 'create', '--raw', `/_kubemu/${path}`),
    watch: (...words) => watch(kubectl, server.kubeconfig, home.path, words),
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
