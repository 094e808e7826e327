import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinearRegex } from '../../../api/machinery/linear-regex.ts';

interface Case {
  readonly pattern: string;
  readonly text: string;
  /** The part that matches; null for none. */
  readonly found: string | null;
}

const CASES: readonly Case[] = [
  { pattern: 'b+', text: 'abbbc', found: 'bbb' },
  { pattern: 'b+?', text: 'abbbc', found: 'b' },
  { pattern: '^b', text: 'ab', found: null },
  { pattern: 'a|ab', text: 'ab', found: 'a' },
  { pattern: '(?:ab|a)c', text: 'xac', found: 'ac' },
  { pattern: 'a{2,3}', text: 'aaaa', found: 'aaa' },
  { pattern: 'a{2}$', text: 'aaa', found: 'aa' },
  { pattern: 'a{,2}', text: 'a{,2}', found: 'a{,2}' },
  { pattern: '[^a-c]+', text: 'abxyc', found: 'xy' },
  { pattern: '[]a]+', text: 'x]a', found: ']a' },
  { pattern: '[a\\-z]+', text: 'b-a', found: '-a' },
  { pattern: '[[:upper:][:digit:]]+', text: 'aB3c', found: 'B3' },
  { pattern: '(?i)AbC', text: 'xaBc', found: 'aBc' },
  { pattern: 'a(?i:B)c', text: 'aBC', found: null },
  { pattern: '(?m)^b$', text: 'a\nb\nc', found: 'b' },
  { pattern: 'a.c', text: 'a\nc', found: null },
  { pattern: '(?s)a.c', text: 'a\nc', found: 'a\nc' },
  { pattern: '\\bfoo\\b', text: 'a foo b', found: 'foo' },
  { pattern: '\\d+\\.\\d+', text: 'v1.25', found: '1.25' },
  { pattern: '\\pL+', text: '1é2', found: 'é' },
  { pattern: '\\p{Greek}', text: 'aβ', found: 'β' },
  { pattern: '\\x41\\x{42}', text: 'AB', found: 'AB' },
  { pattern: '(?P<n>x)(y)?', text: 'xz', found: 'x' },
  { pattern: '(a*)*', text: 'aab', found: 'aa' },
  { pattern: '', text: 'abc', found: '' },
  { pattern: '.', text: '😀', found: '😀' },
];

it.each(CASES)('$pattern finds $found in $text', ({ pattern, text, found }) => {
  const span = new LinearRegex(pattern).find(text);
  expect(span === undefined ? null : text.slice(span.start, span.end)).toBe(found);
});

it.each(['(', ')', '[a', 'a**', '*', 'a{1001}', '(?=a)', '\\1', '[b-a]', 'a\\', '\\q', '(?P<n'])(
  'refuses %s',
  (pattern) => {
    expect(() => new LinearRegex(pattern)).toThrow('error parsing regexp');
  },
);

describe('patterns that hold a backtracking matcher up', () => {
  it.each(['^(a+)+$', '^(a|a)*$', '^(.*a){20}$'])('%s are done with', (pattern) => {
    expect(new LinearRegex(pattern).test(`${'a'.repeat(500)}!`)).toBe(false);
  });
});

it('agrees with the engine of JavaScript on small patterns', () => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '^', '$', '\\b');
  const pattern = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      atom,
      fc.tuple(tie('node'), tie('node')).map(([x, y]) => x + y),
      fc.tuple(tie('node'), tie('node')).map(([x, y]) => `(?:${x}|${y})`),
      fc
        .tuple(fc.constantFrom('a', 'b', '(?:ab|a)', '[ab]'), fc.constantFrom('*', '+', '?', '{1,2}', '*?'))
        .map((p) => p.join('')),
    ),
  })).node;
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (source, input) => {
      const span = new LinearRegex(source).find(input);
      const match = new RegExp(source).exec(input);
      expect(span).toEqual(
        match === null ? undefined : { start: match.index, end: match.index + match[0].length },
      );
    }),
  );
});
