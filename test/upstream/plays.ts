/** What became of scenarios, played by both sides until they agree. */
import type { Controllers } from './control-plane.ts';
import type { Picture } from './normalise.ts';
import type { Outcome } from './scenario.ts';

type Compare = (theirs: Picture, ours: Picture) => readonly string[];

/**
 * Who of several writers comes first is chance, on either side, so that one scenario has several right outcomes. Two
 * sides agree on it when kubemu once made what Kubernetes once made.
 */
export class Plays {
  readonly #compare: Compare;
  readonly #outcomes: Record<Controllers, Map<string, Outcome[]>> = {
    upstream: new Map(),
    embedded: new Map(),
  };

  constructor(compare: Compare) {
    this.#compare = compare;
  }

  add(side: Controllers, outcomes: ReadonlyMap<string, Outcome>): void {
    const known = this.#outcomes[side];
    for (const [name, outcome] of outcomes) known.set(name, [...(known.get(name) ?? []), outcome]);
  }

  /** Throws why the scenario never came to its end. */
  succeeded(side: Controllers, name: string): void {
    const outcomes = this.#of(side, name);
    if (outcomes.every(({ error }) => error !== undefined)) throw outcomes.at(-1)!.error;
  }

  /** Empty when both sides agree; otherwise what came between them in the last round. */
  verdict(name: string): readonly string[] {
    let last: readonly string[] = ['it was not played'];
    for (const theirs of this.#of('upstream', name))
      for (const ours of this.#of('embedded', name)) {
        last = failures(theirs, ours);
        if (last.length === 0) last = this.#compare(theirs.picture, ours.picture);
        if (last.length === 0) return last;
      }
    return last;
  }

  #of(side: Controllers, name: string): readonly Outcome[] {
    return this.#outcomes[side].get(name) ?? [];
  }
}

function failures(theirs: Outcome, ours: Outcome): string[] {
  const told = (side: Controllers, { error }: Outcome): string[] =>
    error === undefined ? [] : [`${side}: ${error.message}`];
  return [...told('upstream', theirs), ...told('embedded', ours)];
}
