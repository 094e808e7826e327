import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteOrder,
  checkKey,
  clusterPrefix,
  clusterRange,
  namespaceRange,
  parseKey,
  prefixRange,
  resourceKey,
  resourceRange,
  singleKeyRange,
} from '../../storage/keys.ts';
import type { KeyRange } from '../../storage/interface.ts';

/** Text with characters from all lengths of UTF-8, mostly close to the borders between them. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      'a',
      'b',
      '/',
      '\0',
      '\x7f',
      '\x80',
      '\u07ff',
      '\u0800',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '\u{10000}',
    ),
    fc.constantFrom('\u{10ffff}'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 5,
});

const part = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', ':', 'é'), minLength: 1, maxLength: 4 });

function contains({ start, end }: KeyRange, key: string): boolean {
  return byBytes(start, key) <= 0 && byBytes(key, end) < 0;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

describe('keys', () => {
  it.each([
    {
      name: 'namespaced, core',
      parts: { cluster: 'main', group: '', resource: 'pods', namespace: 'default', name: 'web-0' },
      key: 'registry/main/core/pods/default/web-0',
    },
    {
      name: 'namespaced, of a group',
      parts: { cluster: 'main', group: 'apps', resource: 'deployments', namespace: 'demo', name: 'webapp1' },
      key: 'registry/main/apps/deployments/demo/webapp1',
    },
    {
      name: 'cluster-scoped',
      parts: {
        cluster: 'c2',
        group: 'rbac.authorization.k8s.io',
        resource: 'clusterroles',
        name: 'system:node',
      },
      key: 'registry/c2/rbac.authorization.k8s.io/clusterroles/system:node',
    },
  ])('$name: written and read', ({ parts, key }) => {
    expect(resourceKey(parts)).toBe(key);
    expect(parseKey(key)).toEqual(parts);
    expect(key.startsWith(clusterPrefix(parts.cluster))).toBe(true);
  });

  it.each(['', '/', 'a/b'])('refuses %j as a part', (bad) => {
    const good = { cluster: 'c', group: 'g', resource: 'r', namespace: 'n', name: 'x' };
    for (const field of ['cluster', 'resource', 'namespace', 'name']) {
      expect(() => resourceKey({ ...good, [field]: bad })).toThrow(TypeError);
    }
  });

  it.each([
    '',
    'registry',
    'registry/c/core/pods',
    'registry/c/core/pods/',
    'registry/c//pods/a',
    'other/c/core/pods/a',
    'registry/c/core/pods/a/b/c',
  ])('does not take %j for a resource key', (key) => expect(parseKey(key)).toBeUndefined());

  it('has ranges that hold exactly what belongs to them', () => {
    const name = fc.record({ cluster: part, group: fc.oneof(fc.constant(''), part), resource: part });
    const key = fc.record({ where: name, namespace: fc.option(part, { nil: undefined }), name: part });
    fc.assert(
      fc.property(key, name, part, ({ where, namespace, name: object }, other, otherNamespace) => {
        fc.pre(where.group !== 'core' && other.group !== 'core');
        const full = resourceKey({ ...where, namespace, name: object });
        expect(parseKey(full)).toEqual({
          ...where,
          ...(namespace === undefined ? {} : { namespace }),
          name: object,
        });
        expect(contains(clusterRange(where.cluster), full)).toBe(true);
        expect(contains(clusterRange(other.cluster), full)).toBe(other.cluster === where.cluster);
        const isSame = JSON.stringify(other) === JSON.stringify(where);
        expect(contains(resourceRange(where), full)).toBe(true);
        expect(contains(resourceRange(other), full)).toBe(isSame);
        const inNamespace = namespaceRange({ ...where, namespace: otherNamespace });
        expect(contains(inNamespace, full)).toBe(namespace === otherNamespace);
      }),
    );
  });
});

describe('key order and ranges', () => {
  it('byteOrder orders as UTF-8 does', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const [x, y] = [byteOrder(a), byteOrder(b)];
        expect(x < y ? -1 : x > y ? 1 : 0).toBe(byBytes(a, b));
      }),
      { numRuns: 2_000 },
    );
  });

  it('prefixRange holds the keys that begin with the prefix', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (prefix, rest, other) => {
        fc.pre(![prefix, rest, other].some((key) => key.startsWith('\u{10ffff}')));
        expect(contains(prefixRange(prefix), prefix + rest)).toBe(true);
        expect(contains(prefixRange(prefix), other)).toBe(other.startsWith(prefix));
      }),
      { numRuns: 2_000 },
    );
  });

  it('singleKeyRange holds one key', () => {
    fc.assert(
      fc.property(anyText, anyText, (key, other) => {
        expect(contains(singleKeyRange(key), other)).toBe(other === key);
      }),
    );
  });

  it('checkKey takes what has a UTF-8 form and a place before the end of all keys', () => {
    for (const key of ['a', 'é\u{1f600}', '\uffff', '\0', 'a\u{10ffff}']) checkKey(key);
    for (const key of ['', '\ud800', 'a\udc00', '\udc00\ud800', '\u{10ffff}']) {
      expect(() => checkKey(key)).toThrow(TypeError);
    }
  });
});
