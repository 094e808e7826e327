import { describe, expect, it } from 'vitest';
import { FIGHT_ROUNDS, WriteJournal } from '../../../server/control/write-journal.ts';

const state = (
  replicas: number,
  version: number,
): { metadata: { resourceVersion: string }; spec: object } => ({
  metadata: { resourceVersion: String(version) },
  spec: { replicas, paused: false },
});

describe('the journal of writes', () => {
  it('finds two writers that undo each other, and what they quarrel about', () => {
    const journal = new WriteJournal();
    let told = 0;
    journal.open(() => told++);
    for (let i = 0; i < FIGHT_ROUNDS + 2; i++) {
      journal.note(i % 2 === 0 ? 'hpa' : 'operator', 'deployments.apps default/web', state(i % 2, i));
    }
    expect(told).toBe(1);
    expect(journal.fights).toEqual([
      {
        object: 'deployments.apps default/web',
        writers: ['hpa', 'operator'],
        fields: ['spec.replicas'],
        rounds: FIGHT_ROUNDS,
      },
    ]);
  });

  it.each([
    { name: 'one writer that goes to and fro', writer: () => 'a', value: (i: number) => i % 2 },
    { name: 'two that make progress', writer: (i: number) => 'ab'[i % 2]!, value: (i: number) => i },
    { name: 'writes that change nothing', writer: (i: number) => 'ab'[i % 2]!, value: () => 1 },
  ])('is not misled by $name', ({ writer, value }) => {
    const journal = new WriteJournal();
    journal.open(() => {});
    for (let i = 0; i < 50; i++) journal.note(writer(i), 'pods default/p', state(value(i), i));
    expect(journal.fights).toEqual([]);
  });

  it('keeps nothing while nobody reads', () => {
    const journal = new WriteJournal();
    const close = journal.open(() => {});
    for (let i = 0; i < 20; i++) journal.note('ab'[i % 2]!, 'pods default/p', state(i % 2, i));
    expect(journal.fights).toHaveLength(1);
    close();
    expect(journal.fights).toEqual([]);
    for (let i = 0; i < 20; i++) journal.note('ab'[i % 2]!, 'pods default/p', state(i % 2, i));
    expect(journal.fights).toEqual([]);
  });
});
