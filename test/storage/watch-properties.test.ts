import { describe, expect, it } from 'vitest';
import {
  type CommittedHistory,
  WATCH_PROPERTIES,
  type WatchedEvent,
  type WatchHistory,
  watchViolations,
} from '../suites/watch-properties.ts';

const created = (key: string, revision: number): WatchedEvent => ({
  type: 'created',
  key,
  revision,
  value: `${revision}`,
  previous: undefined,
});
const updated = (key: string, revision: number, previous: number): WatchedEvent => ({
  type: 'updated',
  key,
  revision,
  value: `${revision}`,
  previous: `${previous}`,
});

const [a2, b3, a4, x5, a6] = [
  created('a', 2),
  created('b', 3),
  updated('a', 4, 2),
  created('x', 5),
  updated('a', 6, 4),
] as const;
const committed: CommittedHistory = { events: [a2, b3, a4, x5, a6], groups: [[3, 4]] };

const good: WatchHistory = {
  from: 2,
  contains: (key) => key !== 'x',
  batches: [[b3, a4], [a6]],
  bookmarks: [
    { batches: 0, revision: 2 },
    { batches: 1, revision: 5 },
    { batches: 2, revision: 6 },
  ],
};

describe('the properties of watches', () => {
  it('are nine, and all hold for a good one', () => {
    expect(Object.keys(WATCH_PROPERTIES).length).toBe(9);
    expect(watchViolations(good, committed)).toEqual([]);
  });

  it.each<{ property: string; watch: Partial<WatchHistory> }>([
    { property: 'ordered', watch: { batches: [[a4, b3], [a6]] } },
    {
      property: 'unique',
      watch: {
        batches: [
          [b3, a4],
          [a6, a6],
        ],
      },
    },
    { property: 'atomic', watch: { batches: [[b3], [a4], [a6]], bookmarks: [] } },
    { property: 'bookmarkable', watch: { bookmarks: [{ batches: 1, revision: 6 }] } },
    { property: 'reliable', watch: { batches: [[b3], [a6]], bookmarks: [] } },
    { property: 'resumable', watch: { batches: [[a2, b3, a4], [a6]], bookmarks: [] } },
    { property: 'filtered', watch: { batches: [[b3, a4], [x5], [a6]], bookmarks: [] } },
    { property: 'filtered', watch: { batches: [[b3, { ...a4, value: 'other' }], [a6]] } },
    { property: 'previousRight', watch: { batches: [[b3, { ...a4, previous: '3' }], [a6]] } },
    { property: 'isCreateRight', watch: { batches: [[b3, { ...a4, type: 'created' }], [a6]] } },
  ])('$property is seen broken', ({ property, watch }) => {
    const broken = watchViolations({ ...good, ...watch }, committed).map((text) => text.split(':')[0]);
    expect(new Set(broken)).toEqual(new Set([property]));
  });
});
