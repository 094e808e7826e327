import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatLabels,
  formatLabelSelector,
  parseLabelSelector,
  selectorFromLabels,
  selectorFromLabelSelector,
} from '../../../api/machinery/labels.ts';
import { SelectorError, type Labels } from '../../../api/machinery/label-requirement.ts';

describe('canonical text', () => {
  const cases: [string, string][] = [
    ['', ''],
    ['a', 'a'],
    ['!a', '!a'],
    [' ! a ', '!a'],
    ['a=', 'a='],
    ['a=b', 'a=b'],
    ['a==b', 'a==b'],
    ['a != b', 'a!=b'],
    ['b=2,a=1', 'a=1,b=2'],
    ['x in (c,a,b)', 'x in (a,b,c)'],
    ['x in ()', 'x in ()'],
    ['x in (,a)', 'x in (,a)'],
    ['x in (a,,b)', 'x in (,a,b)'],
    ['x in (a,)', 'x in (,a)'],
    ['x notin (in,notin)', 'x notin (in,notin)'],
    ['in in (in)', 'in in (in)'],
    ['notin', 'notin'],
    ['x in (a), !y, z', 'x in (a),!y,z'],
    ['a>1,b<2', 'a>1,b<2'],
    ['example.com/role=web', 'example.com/role=web'],
    ['a in\t(\n1 , 2)', 'a in (1,2)'],
  ];
  for (const [text, want] of cases) {
    it(JSON.stringify(text), () => expect(parseLabelSelector(text).toString()).toBe(want));
  }
});

describe('errors', () => {
  const key =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
  const value =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
  const cases: [string, string][] = [
    ['a,', "found '', expected: identifier after ','"],
    [',a', "found ',', expected: !, identifier, or 'end of string'"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['!a=b', "found '=', expected: ',' or 'end of string'"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (b c)', "unable to parse requirement: found 'c', expected: ',' or ')'"],
    ['a in (=)', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ['a in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['a in (,,)', "unable to parse requirement: found ')', expected: ',', or identifier"],
    ['a=(', "unable to parse requirement: found '(', expected: identifier"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['-a', `unable to parse requirement: <nil>: Invalid value: "-a": ${key}`],
    ['a=-', `unable to parse requirement: values[0][a]: Invalid value: "-": ${value}`],
    [
      'a in (-,_)',
      `unable to parse requirement: [values[0][a]: Invalid value: "-": ${value}, values[1][a]: Invalid value: "_": ${value}]`,
    ],
    [
      'a>b',
      `unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
  ];
  for (const [text, want] of cases) {
    it(JSON.stringify(text), () => {
      expect(() => parseLabelSelector(text)).toThrow(new SelectorError(want));
    });
  }
});

describe('matching', () => {
  const labels: Labels = { app: 'web', tier: '', rank: '7', constructor2: 'x' };
  const cases: [string, boolean][] = [
    ['', true],
    ['app', true],
    ['!app', false],
    ['constructor', false],
    ['!constructor', true],
    ['tier', true],
    ['tier=', true],
    ['app=web,tier', true],
    ['app=db', false],
    ['app!=db', true],
    ['none!=db', true],
    ['none notin (a)', true],
    ['app notin (web,db)', false],
    ['app in (web,db)', true],
    ['none in (a)', false],
    ['rank>6', true],
    ['rank>7', false],
    ['rank<8', true],
    ['app>1', false],
    ['none<1', false],
  ];
  for (const [text, want] of cases) {
    it(`${JSON.stringify(text)} ${want ? 'matches' : 'does not match'}`, () => {
      expect(parseLabelSelector(text).matches(labels)).toBe(want);
    });
  }

  it('takes absent labels as none', () => {
    expect(parseLabelSelector('!a').matches(undefined)).toBe(true);
    expect(parseLabelSelector('a').matches(undefined)).toBe(false);
  });

  it('keeps its meaning in canonical text', () => {
    const word = fc.stringMatching(/^[a-d]{1,2}$/);
    const requirement = fc.oneof(
      fc.tuple(fc.constantFrom('', '!'), word).map(([not, key]) => not + key),
      fc.tuple(word, fc.constantFrom('=', '==', '!='), word).map((parts) => parts.join('')),
      fc
        .tuple(word, fc.constantFrom(' in ', ' notin '), fc.array(word), fc.constantFrom('', ','))
        .map(([key, operator, values, end]) => `${key}${operator}(${values.join(',')}${end})`),
    );
    fc.assert(
      fc.property(fc.array(requirement), fc.dictionary(word, word), (parts, set) => {
        const selector = parseLabelSelector(parts.join(','));
        const again = parseLabelSelector(selector.toString());
        expect(again.toString()).toBe(selector.toString());
        expect(again.matches(set)).toBe(selector.matches(set));
        expect(parts.every((part) => parseLabelSelector(part).matches(set))).toBe(selector.matches(set));
      }),
    );
  });
});

describe('selectors as objects', () => {
  it('match nothing when absent and everything when empty', () => {
    expect(selectorFromLabelSelector(undefined).matches({ a: 'b' })).toBe(false);
    expect(selectorFromLabelSelector({}).matches({ a: 'b' })).toBe(true);
    expect(selectorFromLabelSelector(undefined).empty).toBe(false);
  });

  it('join labels and expressions, sorted by key', () => {
    const selector = selectorFromLabelSelector({
      matchLabels: { z: '1', a: '2' },
      matchExpressions: [
        { key: 'm', operator: 'NotIn', values: ['y', 'x'] },
        { key: 'b', operator: 'DoesNotExist' },
        { key: 'c', operator: 'Exists' },
      ],
    });
    expect(selector.toString()).toBe('a=2,!b,c,m notin (x,y),z=1');
    expect(selector.matches({ z: '1', a: '2', c: '', m: 'x' })).toBe(false);
    expect(selector.matches({ z: '1', a: '2', c: '' })).toBe(true);
    expect(selector.exactValue('a')).toBe('2');
    expect(selector.exactValue('m')).toBeUndefined();
  });

  it('refuse unknown operators', () => {
    expect(() =>
      selectorFromLabelSelector({ matchExpressions: [{ key: 'a', operator: 'constructor' }] }),
    ).toThrow(new SelectorError('"constructor" is not a valid label selector operator'));
  });

  it('are shown to people', () => {
    expect(formatLabelSelector(undefined)).toBe('<none>');
    expect(formatLabelSelector({})).toBe('<none>');
    expect(formatLabelSelector({ matchLabels: { a: 'b' } })).toBe('a=b');
    expect(formatLabelSelector({ matchExpressions: [{ key: 'a', operator: 'X' }] })).toBe('<error>');
    expect(formatLabels({ b: '1', a: '' })).toBe('a=,b=1');
    expect(formatLabels({})).toBe('<none>');
    expect(selectorFromLabels(undefined).empty).toBe(true);
  });
});
