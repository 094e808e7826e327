import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  difference,
  EMPTY_SET,
  fieldSet,
  hasPath,
  intersection,
  isEmptySet,
  parseFieldSet,
  pathsOf,
  recursiveDifference,
  union,
  type FieldSet,
} from '../../../../api/machinery/managed-fields/field-set.ts';
import {
  formatElements,
  normalElement,
  PathElementError,
  sortElements,
} from '../../../../api/machinery/managed-fields/path-element.ts';
import { excludeFields, includeFields } from '../../../../api/machinery/managed-fields/reset-filter.ts';

describe('path elements', () => {
  it.each([
    ['a field', 'f:a b', 'f:a b'],
    ['keys in any order and with spaces', 'k:{"b": 1, "a":"x"}', 'k:{"a":"x","b":1}'],
    ['a value', 'v: "x"', 'v:"x"'],
    ['a place', 'i:007', 'i:7'],
    ['an unknown kind', 'x:1', undefined],
  ])('%s has its normal form', (_name, element, normal) => {
    expect(normalElement(element)).toBe(normal);
  });

  it.each([
    ['too short', 'f', 'key must be 2 characters long:'],
    ['without a colon', 'foo', 'missing colon: foo'],
    ['with a place that is no number', 'i:x', 'strconv.Atoi: parsing "x": invalid syntax'],
  ])('an element %s is refused', (_name, element, message) => {
    expect(() => normalElement(element)).toThrow(new PathElementError(message));
  });

  it('are sorted by kind, then fields by bytes, keys by name and value, values by type', () => {
    const sorted = [
      '.',
      'f:a',
      'f:b',
      'f:\uffee',
      'f:\u{10000}',
      'k:{"a":9}',
      'k:{"a":80}',
      'k:{"a":"b"}',
      'k:{"b":1}',
      'v:2',
      'v:10',
      'v:"a"',
      'v:false',
      'v:true',
      'i:2',
      'i:10',
    ];
    expect(sortElements([...sorted].reverse())).toEqual(sorted);
  });

  it('read as in conflict messages', () => {
    const path = ['f:spec', 'k:{"name":"a","port":80}', 'v:"x"', 'i:1', 'v:true'];
    expect(formatElements(path)).toBe('.spec[name="a",port=80][="x"][1][=true]');
  });
});

describe('reading fieldsV1', () => {
  it('sorts, drops unknown elements and a mark on the root', () => {
    const set = parseFieldSet({
      '.': {},
      'x:1': {},
      'f:b': { 'f:z': {}, '.': {}, 'k:{"b":1,"a":2}': { '.': {} } },
      'f:a': { '.': {} },
    });
    expect(JSON.stringify(set)).toBe('{"f:a":{},"f:b":{".":{},"f:z":{},"k:{\\"a\\":2,\\"b\\":1}":{}}}');
  });
});

/** Paths as text, the model that sets are held against. */
type Model = Set<string>;

const path = fc.array(fc.constantFrom('f:a', 'f:b', 'k:{"n":1}', 'v:"x"'), { minLength: 1, maxLength: 4 });
const paths = fc.array(path, { maxLength: 8 });
const model = (set: FieldSet): Model => new Set(pathsOf(set).map((each) => each.join('/')));
const sorted = (members: Iterable<string>): string[] => [...members].sort();

describe('sets of paths', () => {
  const setOf = (...list: readonly (readonly string[])[]): FieldSet => fieldSet(...list);

  it('have what was put in, and stay in normal form', () => {
    fc.assert(
      fc.property(paths, (members) => {
        const set = setOf(...members);
        expect(sorted(model(set))).toEqual(sorted(new Set(members.map((each) => each.join('/')))));
        expect(JSON.stringify(parseFieldSet(JSON.parse(JSON.stringify(set))))).toBe(JSON.stringify(set));
        expect(members.every((each) => hasPath(set, each))).toBe(true);
      }),
    );
  });

  it('unite, intersect and subtract as sets of paths do', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const a = setOf(...left);
        const b = setOf(...right);
        const [x, y] = [model(a), model(b)];
        expect(sorted(model(union(a, b)))).toEqual(sorted(new Set([...x, ...y])));
        expect(sorted(model(intersection(a, b)))).toEqual(sorted([...x].filter((each) => y.has(each))));
        expect(sorted(model(difference(a, b)))).toEqual(sorted([...x].filter((each) => !y.has(each))));
        const isBelow = (each: string): boolean =>
          [...y].some((other) => each === other || each.startsWith(`${other}/`));
        expect(sorted(model(recursiveDifference(a, b)))).toEqual(
          sorted([...x].filter((each) => !isBelow(each))),
        );
        for (const set of [union(a, b), intersection(a, b), difference(a, b), recursiveDifference(a, b)])
          expect(JSON.stringify(parseFieldSet(JSON.parse(JSON.stringify(set))))).toBe(JSON.stringify(set));
      }),
    );
  });

  it('are empty when nothing is left', () => {
    const set = setOf(['f:a', 'f:b']);
    expect(isEmptySet(difference(set, set))).toBe(true);
    expect(difference(set, EMPTY_SET)).toBe(set);
  });
});

describe('filters of what a write may change', () => {
  const set = fieldSet(
    ['f:metadata', 'f:labels'],
    ['f:metadata', 'f:labels', 'f:a'],
    ['f:spec', 'f:containers', 'k:{"name":"a"}', 'f:image'],
    ['f:spec', 'f:containers', 'k:{"name":"a"}', 'f:resources', 'f:limits'],
  );

  it('exclude paths with everything below', () => {
    expect(JSON.stringify(excludeFields(['metadata.labels', 'status'])(set))).toBe(
      '{"f:spec":{"f:containers":{"k:{\\"name\\":\\"a\\"}":{"f:image":{},"f:resources":{"f:limits":{}}}}}}',
    );
  });

  it('include only what is on or below a path, any element for *', () => {
    expect(JSON.stringify(includeFields(['spec.containers.*.resources'])(set))).toBe(
      '{"f:spec":{"f:containers":{"k:{\\"name\\":\\"a\\"}":{"f:resources":{"f:limits":{}}}}}}',
    );
  });
});
