/** Drives real kubectl binaries against the real command. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Kubectl {
  /** Of the program, for example `kubectl.1.27`. */
  readonly name: string;
  readonly path: string;
}

/** The oldest, a middle and the newest kubectl: `$KUBECTL`, else the one on PATH with its siblings `kubectl.1.NN`. */
export function findKubectls(): Kubectl[] {
  const given = process.env.KUBECTL;
  if (given !== undefined && given !== '') return [{ name: basename(given), path: given }];
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'kubectl'))
    .find(isExecutable);
  if (found === undefined) return [];
  const folder = dirname(realpathSync(found));
  const versions = readdirSync(folder)
    .filter((name) => /^kubectl\.1\.\d+$/.test(name))
    .sort((a, b) => minor(a) - minor(b));
  if (versions.length === 0) return [{ name: 'kubectl', path: found }];
  const picked = [versions[0]!, versions[Math.floor(versions.length / 2)]!, versions.at(-1)!];
  return [...new Set(picked)].map((name) => ({ name, path: join(folder, name) }));
}

function minor(name: string): number {
  return Number(name.split('.')[2]);
}

function isExecutable(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface RunningKubemu {
  readonly url: string;
  readonly kubeconfig: string;
  readonly child: ChildProcess;
  /** What the process wrote to standard error so far. */
  errors(): string;
  /** Sends `signal`, resolves with the exit code once the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const COMMAND = join(import.meta.dirname, '..', '..', 'dist', 'kubemu.js');

/** Starts the built command on a free port and waits for its ready line. */
export async function startKubemu(args: readonly string[]): Promise<RunningKubemu> {
  const child = spawn(process.execPath, [COMMAND, 'start', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<{ url: string; kubeconfig: string }>((resolve, reject) => {
    let url = '';
    lines.on('line', (line) => {
      if (line.startsWith('kubemu is ready: ')) url = line.slice('kubemu is ready: '.length);
      if (line.startsWith('export KUBECONFIG='))
        resolve({ url, kubeconfig: line.slice('export KUBECONFIG='.length) });
    });
    void exited.then((code) => reject(new Error(`kubemu exited with ${code}: ${errors}`)));
  });
  const { url, kubeconfig } = await ready;
  return {
    url,
    kubeconfig,
    child,
    errors: () => errors,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Expected exit code; anything else throws with the output. Default 0. */
  readonly code?: number;
  readonly timeoutMs?: number;
}

export type Run = (args: readonly string[], options?: RunOptions) => Promise<Output>;

/** A function that runs this kubectl against this server, with a home folder of its own. */
export function runner(kubectl: Kubectl, kubeconfig: string, home: string): Run {
  return (args, options = {}) =>
    new Promise((resolve, reject) => {
      const child = execFile(
        kubectl.path,
        [...args],
        {
          env: {
            ...process.env,
            HOME: home,
            KUBECONFIG: kubeconfig,
            KUBECACHEDIR: join(home, 'cache'),
            ...options.env,
          },
          timeout: options.timeoutMs ?? 60_000,
          maxBuffer: 64 * 1024 * 1024,
        },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
          if (code === (options.code ?? 0)) resolve({ code, stdout, stderr });
          else
            reject(new Error(`${kubectl.name} ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`));
        },
      );
      child.stdin?.end(options.stdin ?? '');
    });
}

export interface Watching {
  /** Waits for the next line. */
  next(): Promise<string>;
  stop(): void;
}

/** A kubectl that keeps printing. */
export function watch(kubectl: Kubectl, kubeconfig: string, home: string, args: readonly string[]): Watching {
  const child = spawn(kubectl.path, args, {
    env: { ...process.env, HOME: home, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error('the watch ended');
      return value;
    },
    stop: () => void child.kill(),
  };
}

/** Lines of a table as cells. */
export function tableCells(output: string): string[][] {
  return output
    .trim()
    .split('\n')
    .map((line) =>
      line
        .trimEnd()
        .split(/ {2,}/)
        .map((cell) => cell.trim()),
    );
}

/** Reasons of the events that `kubectl describe` printed, in the order it printed them. */
export function eventReasons(described: string): string[] {
  const [, table = ''] = described.split(/^Events:\n/m);
  const lines = table.split('\n').slice(2);
  const end = lines.findIndex((line) => !line.startsWith('  '));
  return lines.slice(0, end < 0 ? undefined : end).map((line) => line.trim().split(/\s+/)[1]!);
}

/** A temporary folder and how to remove it. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'kubemu-kubectl-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
