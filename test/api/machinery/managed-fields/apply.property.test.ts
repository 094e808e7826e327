import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStatusError } from '../../../../api/machinery/errors.ts';
import type { ManagedFieldsEntry, UnknownObject } from '../../../../api/machinery/object-meta.ts';
import { ManagedObject } from './fixture.ts';

/** What one applier wants of a Deployment; lists are in the order of their keys. */
interface Wish {
  readonly labels: readonly string[];
  readonly replicas?: number;
  readonly containers: readonly {
    readonly name: string;
    readonly image?: string;
    readonly env: readonly string[];
    readonly args?: readonly string[];
  }[];
}

/** `suffix` keeps what appliers name apart. */
const wishes = (suffix = ''): fc.Arbitrary<Wish> =>
  fc.record(
    {
      labels: fc.subarray(['a', 'b', 'c'].map((name) => name + suffix)),
      replicas: fc.constantFrom(1, 2),
      containers: fc.subarray(['x', 'y', 'z']).chain((names) =>
        fc.tuple(
          ...names.map((name) =>
            fc.record(
              {
                name: fc.constant(name + suffix),
                image: fc.constantFrom('one', 'two'),
                env: fc.subarray(['E', 'F', 'G']),
                args: fc.subarray(['1', '2'], { minLength: 1 }),
              },
              { requiredKeys: ['name', 'env'] },
            ),
          ),
        ),
      ),
    },
    { requiredKeys: ['labels', 'containers'] },
  );

/** Nothing empty is written down: an empty map is a wish of its own. */
function configOf({ labels, replicas, containers }: Wish): unknown {
  const items = containers.map(({ env, ...rest }) => ({
    ...rest,
    ...(env.length === 0 ? {} : { env: env.map((name) => ({ name, value: 'v' })) }),
  }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'o',
      ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels.map((name) => [name, 'on'])) }),
    },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      template: { spec: { ...(items.length === 0 ? {} : { containers: items }), restartPolicy: 'Always' } },
    },
  };
}

const newDeployment = (): ManagedObject => new ManagedObject('apps/v1', 'Deployment');

/** The object and who owns what, without times. */
function state({ live }: ManagedObject): unknown {
  const { managedFields = [], ...metadata } = (live as UnknownObject).metadata;
  const owners = managedFields.map((entry): ManagedFieldsEntry => ({ ...entry, time: '' }));
  owners.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { ...live, metadata, owners };
}

/** The state with lists of named items in the order of their names. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(unordered);
    const name = (item: unknown): string => (item as { name?: string }).name ?? '';
    return items.every((item) => typeof item === 'object' && item !== null && name(item) !== '')
      ? items.sort((a, b) => (name(a) < name(b) ? -1 : 1))
      : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, unordered(member)]));
}

/** Applies unless somebody else minds; whether it worked. */
function tryApply(object: ManagedObject, wish: Wish, manager: string): boolean {
  try {
    object.apply(configOf(wish), { manager });
    return true;
  } catch (error) {
    if (isStatusError(error, 'Conflict')) return false;
    throw error;
  }
}

describe('apply', () => {
  it('changes nothing the second time, times included', () => {
    fc.assert(
      fc.property(wishes(), wishes(), fc.boolean(), (before, wish, force) => {
        const object = newDeployment();
        object.update(configOf(before), { manager: 'other' });
        object.second = 1;
        try {
          object.apply(configOf(wish), { manager: 'me', force });
        } catch (error) {
          fc.pre(!isStatusError(error, 'Conflict'));
          throw error;
        }
        const once = object.live;
        object.second = 2;
        object.apply(configOf(wish), { manager: 'me', force: false });
        expect(object.live).toEqual(once);
      }),
    );
  });

  it('then taking away what nobody else owns restores what was there', () => {
    fc.assert(
      fc.property(wishes(), wishes(), wishes(), (others, less, more) => {
        const object = newDeployment();
        object.update(configOf(others), { manager: 'other' });
        fc.pre(tryApply(object, less, 'me'));
        const before = state(object);
        fc.pre(tryApply(object, union(less, more), 'me'));
        expect(tryApply(object, less, 'me')).toBe(true);
        expect(unordered(state(object))).toEqual(unordered(before));
      }),
    );
  });

  it('ends the same in whatever order independent appliers come', () => {
    const orders = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
    const three = fc.tuple(wishes('1'), wishes('2'), wishes('3'));
    fc.assert(
      fc.property(three, orders, (all, order) => {
        const [a, b] = [newDeployment(), newDeployment()];
        const independent = all.map((wish) => ({ ...wish, replicas: 1 }));
        for (const index of [0, 1, 2]) a.apply(configOf(independent[index]!), { manager: `m${index}` });
        for (const index of order) b.apply(configOf(independent[index]!), { manager: `m${index}` });
        expect(unordered(state(b))).toEqual(unordered(state(a)));
      }),
    );
  });

  it('by force leaves every field with one opinion only', () => {
    fc.assert(
      fc.property(wishes(), wishes(), (first, second) => {
        const object = newDeployment();
        object.apply(configOf(first), { manager: 'first' });
        object.apply(configOf(second), { manager: 'second', force: true });
        object.apply(configOf(second), { manager: 'second' });
        const replicas = (object.live as unknown as { spec: { replicas?: number } }).spec.replicas;
        expect(replicas).toBe(second.replicas ?? first.replicas);
      }),
    );
  });
});

/** Both wishes; where they differ, the first one's. */
function union(less: Wish, more: Wish): Wish {
  const names = new Set([...less.containers, ...more.containers].map(({ name }) => name));
  return {
    ...more,
    ...less,
    labels: [...new Set([...less.labels, ...more.labels])],
    containers: [...names].sort().map((name) => {
      const [own, other] = [less, more].map(({ containers }) =>
        containers.find((each) => each.name === name),
      );
      return {
        ...other,
        ...own,
        name,
        env: [...new Set([...(own?.env ?? []), ...(other?.env ?? [])])].sort(),
      };
    }),
  };
}
