import { describe, expect, it } from 'vitest';
import { differences } from './compare.ts';
import type { Picture } from './normalise.ts';
import { Plays } from './plays.ts';
import type { Outcome } from './scenario.ts';

const event = (line: string): Outcome => ({ picture: { objects: [], events: [line] } });
const failure: Outcome = { picture: { objects: [], events: [] }, error: new Error('waited in vain') };

function played(upstream: readonly Outcome[], embedded: readonly Outcome[]): Plays {
  const plays = new Plays((theirs: Picture, ours: Picture) => differences(theirs, ours));
  for (const outcome of upstream) plays.add('upstream', new Map([['it', outcome]]));
  for (const outcome of embedded) plays.add('embedded', new Map([['it', outcome]]));
  return plays;
}

describe('scenarios played by two sides', () => {
  it.each<[string, Outcome[], Outcome[], string[]]>([
    ['agree at once', [event('a')], [event('a')], []],
    ['agree when chance fell the other way later', [event('a'), event('b')], [event('b'), event('b')], []],
    ['agree after one did not come to its end', [failure, event('a')], [event('a'), event('a')], []],
    ['never agree', [event('a'), event('a')], [event('b'), event('c')], ['Event: -a', 'Event: +c']],
    [
      'are not alike because both failed',
      [failure],
      [failure],
      ['upstream: waited in vain', 'embedded: waited in vain'],
    ],
    ['were not played', [], [], ['it was not played']],
  ])('%s', (_title, upstream, embedded, expected) => {
    expect(played(upstream, embedded).verdict('it')).toEqual(expected);
  });

  it('tell why one never came to its end', () => {
    const plays = played([failure, event('a')], [failure, failure]);
    expect(() => plays.succeeded('upstream', 'it')).not.toThrow();
    expect(() => plays.succeeded('embedded', 'it')).toThrow('waited in vain');
  });
});
