/** What is remembered of jobs between looks. */
import type { Job } from '../../openapi/generated/batch-v1.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { addOutcomes, NO_FAILURES, type Failures } from './backoff.ts';
import type { Round } from './round.ts';

export interface JobMemory {
  failures: Failures;
  indexFailures: ReadonlyMap<number, Failures>;
  /** Pods that are in `failures`. */
  readonly seen: Set<string>;
}

export class JobMemories {
  /** By uid. */
  readonly #memories = new Map<string, JobMemory>();

  of({ metadata }: Job): JobMemory {
    let memory = this.#memories.get(metadata.uid!);
    if (memory === undefined) {
      memory = { failures: NO_FAILURES, indexFailures: new Map(), seen: new Set() };
      this.#memories.set(metadata.uid!, memory);
    }
    return memory;
  }

  forget({ metadata }: Job): void {
    this.#memories.delete(metadata.uid!);
  }
}

/** Adds the pods that ended to the row of failures, each once, however often the look is repeated. */
export function remember(
  memory: JobMemory,
  { newSucceeded, newFailed, newIgnored, indexFailures }: Round,
): void {
  const isUnseen = ({ metadata }: Pod): boolean => !memory.seen.has(metadata.uid!);
  const failed = [...newFailed, ...newIgnored];
  memory.failures = addOutcomes(memory.failures, newSucceeded.filter(isUnseen), failed.filter(isUnseen));
  memory.indexFailures = indexFailures;
  for (const { metadata } of [...newSucceeded, ...failed]) memory.seen.add(metadata.uid!);
}
