import { describe, expect, it } from 'vitest';
import { parseDurationMs } from '../../../api/machinery/duration.ts';
import { indentJSON, wantsPretty } from '../../../server/negotiation/pretty.ts';
import { warningHeader } from '../../../server/negotiation/warnings.ts';
import { formatYAML, parseYAML } from '../../../server/negotiation/yaml.ts';

describe('indentJSON', () => {
  it.each([
    [{}],
    [[]],
    [{ a: 1, b: [], c: {}, d: [1, [2], { e: null }], 'f:,{}[]"\\': '{"x":[1,2]}' }],
    ['plain "text" \\'],
  ])('%j as the platform would', (value) => {
    expect(indentJSON(JSON.stringify(value))).toBe(JSON.stringify(value, undefined, 2));
  });

  it('leaves numbers exact', () => {
    expect(indentJSON('{"a":9007199254740993}')).toBe('{\n  "a": 9007199254740993\n}');
  });
});

describe('wantsPretty', () => {
  it.each([
    ['', 'curl/8.0', true],
    ['', 'Wget/1.21', true],
    ['', 'Mozilla/5.0 (X11)', true],
    ['', 'kubectl/v1.36', false],
    ['', null, false],
    ['pretty=true', null, true],
    ['pretty=1', null, true],
    ['pretty=false', 'curl/8.0', false],
    ['pretty=maybe', 'curl/8.0', false],
    ['pretty=', 'curl/8.0', true],
  ])('%j by %j is %s', (query, agent, expected) => {
    expect(wantsPretty(new URLSearchParams(query), agent)).toBe(expected);
  });
});

describe('parseDurationMs', () => {
  it.each([
    ['1s', 1000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['300ms', 300],
    ['0', 0],
    ['-2s', -2000],
    ['10', undefined],
    ['1d', undefined],
    ['', undefined],
    ['s', undefined],
  ])('%j is %s', (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });
});

describe('warningHeader', () => {
  it('quotes, and tells each text once', () => {
    expect(warningHeader(['unknown field "a"', 'b\\c', 'unknown field "a"'])).toBe(
      '299 - "unknown field \\"a\\"", 299 - "b\\\\c"',
    );
  });

  it('is absent without texts', () => {
    expect(warningHeader([])).toBeUndefined();
    expect(warningHeader(['', 'with\nnewline'])).toBeUndefined();
  });

  it('cuts texts once they are too many', () => {
    const header = warningHeader(Array.from({ length: 30 }, (_, index) => `${index}`.padEnd(300, 'x')))!;
    const texts = header.split(', ');
    expect(texts).toHaveLength(16);
    expect(texts[0]).toBe(`299 - "${'0'.padEnd(256, 'x')}"`);
  });

  it('sends UTF-8 as the bytes it has', () => {
    expect(Buffer.from(warningHeader(['ü'])!, 'latin1').toString('utf8')).toBe('299 - "ü"');
  });
});

describe('parseYAML', () => {
  it.each<[string, string, unknown]>([
    [
      'words that are booleans in YAML 1.1',
      '{a: yes, b: off, c: "on", d: no}',
      { a: true, b: false, c: 'on', d: false },
    ],
    ['octal numbers', 'mode: 0644', { mode: 420 }],
    ['numbers with colons as text', 'port: 80:80', { port: '80:80' }],
    [
      'times as text',
      't: 2026-01-01\nu: 2026-01-01T00:00:00Z',
      { t: '2026-01-01', u: '2026-01-01T00:00:00Z' },
    ],
    ['big numbers exactly', 'big: 9007199254740993', { big: 9007199254740993n }],
    ['anchors and merges', 'a: &x {b: 1}\nc:\n  <<: *x\n  d: 2', { a: { b: 1 }, c: { b: 1, d: 2 } }],
    ['keys that are no text', '1: a\ntrue: b', { '1': 'a', true: 'b' }],
    ['nothing', '', null],
    ['one document with marks around', '---\na: 1\n', { a: 1 }],
    ['JSON', '{"a": [1, "x"]}', { a: [1, 'x'] }],
    ['block text', 'a: |\n  x\n  y\n', { a: 'x\ny\n' }],
  ])('reads %s', (_name, text, expected) => {
    expect(parseYAML(text).value).toEqual(expected);
  });

  it.each([
    ['broken text', 'a: [1'],
    ['several documents', 'a: 1\n---\nb: 2'],
    ['infinity', 'a: .inf'],
    [
      'a bomb of aliases',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[index]}`).join(',')}]`).join('\n')}`,
    ],
  ])('refuses %s', (_name, text) => {
    expect(() => parseYAML(text)).toThrow(expect.objectContaining({ name: 'YAMLError' }));
  });

  it('finds keys that stand twice, and lets the last one win', () => {
    const { value, duplicates } = parseYAML('a: 1\nspec:\n  b: 1\n  b: 2\n');
    expect(value).toEqual({ a: 1, spec: { b: 2 } });
    expect(duplicates).toBe('yaml: unmarshal errors:\n  line 4: key "b" already set in map');
  });
});

describe('formatYAML', () => {
  it('sorts keys, keeps lists flush and quotes what would be read otherwise', () => {
    const text = formatYAML({
      b: ['x', { d: 1, c: 'yes' }],
      a: { on: '1', empty: {}, none: [], nothing: null },
    });
    expect(text).toBe(
      'a:\n  empty: {}\n  none: []\n  nothing: null\n  "on": "1"\nb:\n- x\n- c: "yes"\n  d: 1\n',
    );
    expect(parseYAML(text).value).toEqual({
      b: ['x', { d: 1, c: 'yes' }],
      a: { on: '1', empty: {}, none: [], nothing: null },
    });
  });
});
