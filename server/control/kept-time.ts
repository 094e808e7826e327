/** The virtual time of a cluster that is kept on disk: its next start goes on from there. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class KeptTime {
  readonly #file: string;

  constructor(dataDir: string) {
    this.#file = join(dataDir, 'virtual-time');
  }

  /** Epoch milliseconds; undefined when the cluster had no virtual time when it ran last. */
  get ms(): number | undefined {
    try {
      const ms = Date.parse(readFileSync(this.#file, 'utf8').trim());
      return Number.isNaN(ms) ? undefined : ms;
    } catch {
      return undefined;
    }
  }

  /** Before time gets there, so that it never goes back, however the process ends. */
  keep(ms: number): void {
    const next = `${this.#file}.new`;
    writeFileSync(next, `${new Date(ms).toISOString()}\n`);
    renameSync(next, this.#file);
  }

  /** The cluster runs on the machine's time. */
  forget(): void {
    rmSync(this.#file, { force: true });
  }
}
