import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeFieldValue, parseFieldSelector } from '../../../api/machinery/fields.ts';
import { SelectorError } from '../../../api/machinery/label-requirement.ts';

describe('field selectors', () => {
  const cases: [string, string][] = [
    ['', ''],
    [',', ''],
    ['a=b', 'a=b'],
    ['a==b', 'a=b'],
    ['a!=b', 'a!=b'],
    ['b=1,a=2', 'a=2,b=1'],
    ['a=', 'a='],
    ['a=x\\,y\\=z\\\\', 'a=x\\,y\\=z\\\\'],
  ];
  for (const [text, want] of cases) {
    it(`reads ${JSON.stringify(text)}`, () => expect(parseFieldSelector(text).toString()).toBe(want));
  }

  const wrong: [string, string][] = [
    ['a', "invalid selector: 'a'; can't understand 'a'"],
    ['b=1,a', "invalid selector: 'b=1,a'; can't understand 'a'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a===b', 'invalid field selector: unescaped character in value: 61'],
    ['a=\\x', 'invalid field selector: invalid escape sequence: \\x'],
    ['a=\\', 'invalid field selector: invalid escape sequence: \\'],
  ];
  for (const [text, want] of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseFieldSelector(text)).toThrow(new SelectorError(want));
    });
  }

  it('matches against what an accessor gives', () => {
    const values: Record<string, string> = { 'metadata.name': 'x', 'status.phase': 'Running' };
    const valueOf = (field: string): string => values[field] ?? '';
    const matches = (text: string): boolean => parseFieldSelector(text).matches(valueOf);
    expect(matches('metadata.name=x,status.phase!=Failed')).toBe(true);
    expect(matches('metadata.name=x,status.phase!=Running')).toBe(false);
    expect(matches('spec.nodeName=')).toBe(true);
    expect(matches('spec.nodeName!=')).toBe(false);
    expect(parseFieldSelector('metadata.name=x').exactValue('metadata.name')).toBe('x');
    expect(parseFieldSelector('metadata.name!=x').exactValue('metadata.name')).toBeUndefined();
  });

  it('brings every value through escaping', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const selector = parseFieldSelector(`f=${escapeFieldValue(value)}`);
        expect(selector.requirements).toEqual([{ field: 'f', operator: '=', value }]);
      }),
    );
  });
});
