/** Programs of Kubernetes as child processes; `scripts/test-upstream.mjs` has built them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type ProgramName = 'kube-controller-manager' | 'kube-scheduler' | 'kwok';

/** What a program complains of without kubemu having a part in it. */
const HARMLESS = [
  /The manifest file is empty, ignoring/,
  /Flexvolume plugin directory at .* does not exist. Recreating/,
  // It looks the owner of a replica set up that has none, and tells.
  /ReplicaSet has no controller/,
  // What scenarios want it to run into.
  /is forbidden: (exceeded quota|failed quota|error looking up service account)/,
  /was not created for pod|failed to compute desired number of replicas|unable to get target/,
  /Failed to sync PDB.*(does not implement the scale subresource|no matches for kind)/,
  /Status after running PostFilter plugins for pod/,
  /host_path deleter only supports|provisioning failed for PVC|failed to get node/,
  /Node not found on API server. DetachVolume will skip/,
  // It finds a second network for a new node before it sees that it gave one.
  /Failed to update node PodCIDR|CIDR assignment for node failed|failed to patch node CIDR/,
  // Its cache is behind: of what it wrote, what others wrote, and what went. It tries again.
  /read version: \d+ is not as new as written version/,
  /the object has been modified; please apply your changes to the latest version/,
  /is out of sync \(stored/,
  /\\" not found"/,
  /has just been deleted at|is gone: got uid/,
  // A new node that changes at once is seen twice before its first network is written.
  /range_allocator.*node updates may not change podCIDR/,
  /the ResourceVersion in the precondition \(\d+\) does not match/,
  // Said of a pod that nobody ends, which a scenario is about.
  /Deletion of namespace failed.*unexpected items still remain in namespace/,
];

/** What kwok does with nodes and pods is told by files of its module. */
export function kwokStages(): string[] {
  const files = [
    'node/fast/node-initialize',
    'node/heartbeat-with-lease/node-heartbeat-with-lease',
    'pod/fast/pod-ready',
    'pod/fast/pod-complete',
    'pod/fast/pod-delete',
  ];
  const folder = join(given('KUBEMU_UPSTREAM_KWOK'), 'kustomize', 'stage');
  return files.map((file) => `--config=${join(folder, `${file}.yaml`)}`);
}

/** A folder that the script has named. */
export function given(variable: string): string {
  const folder = process.env[variable];
  if (folder === undefined) throw new Error('run this by npm run test:upstream, which builds the programs');
  return folder;
}

export class Program {
  readonly name: ProgramName;
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiters = new Set<() => void>();
  #isGone = false;

  constructor(name: ProgramName, args: readonly string[]) {
    this.name = name;
    this.#child = spawn(join(given('KUBEMU_UPSTREAM_PROGRAMS'), name), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        for (const wake of this.#waiters) wake();
      });
    }
    this.#exited = new Promise((resolve) =>
      this.#child.once('exit', () => {
        this.#isGone = true;
        for (const wake of this.#waiters) wake();
        resolve();
      }),
    );
  }

  /** Lines of errors and warnings, as klog and kwok mark them; what is harmless is left out. */
  complaints(): string[] {
    return this.lines.filter(
      (line) =>
        /^[EFW]\d{4} |"level":"(WARN|ERROR)"/.test(line) && !HARMLESS.some((pattern) => pattern.test(line)),
    );
  }

  /** Resolves once a line fits; rejects when the program ends before. */
  said(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.lines.some((line) => pattern.test(line));
        if (!found && !this.#isGone) return;
        this.#waiters.delete(look);
        if (found) resolve();
        else reject(new Error(`${this.name} ended:\n${this.lines.slice(-20).join('\n')}`));
      };
      this.#waiters.add(look);
      look();
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.#exited;
  }
}
