/**
 * What a watch promises, as checks of what was recorded: the nine properties that etcd's robustness tests hold its watches
 * to. Each returns what is wrong, in words; nothing when all is well.
 */

export interface WatchedEvent {
  readonly type: 'created' | 'updated' | 'deleted';
  readonly key: string;
  readonly revision: number;
  /** Text and revisions of the state after and before, in one word; undefined when there was none. */
  readonly value: string;
  readonly previous: string | undefined;
}

/** What one watch was given. */
export interface WatchHistory {
  /** Revision it was asked to begin after. */
  readonly from: number;
  readonly contains: (key: string) => boolean;
  /** As they were handed over. */
  readonly batches: readonly (readonly WatchedEvent[])[];
  /** Claims that everything up to `revision` had been handed over when `batches` batches had. */
  readonly bookmarks: readonly { readonly batches: number; readonly revision: number }[];
}

/** What was committed, in order, and which revisions together. */
export interface CommittedHistory {
  readonly events: readonly WatchedEvent[];
  /** Revisions of commits of more than one write. */
  readonly groups: readonly (readonly number[])[];
}

type Property = (watch: WatchHistory, committed: CommittedHistory) => string[];

const events = ({ batches }: WatchHistory): readonly WatchedEvent[] => batches.flat();

/** The committed events a watch has to give between two revisions. */
function due(watch: WatchHistory, { events: all }: CommittedHistory, upTo: number): WatchedEvent[] {
  return all.filter(
    (event) => event.revision > watch.from && event.revision <= upTo && watch.contains(event.key),
  );
}

const ordered: Property = (watch) =>
  events(watch).flatMap((event, index, all) => {
    const before = all[index - 1];
    return before !== undefined && before.revision > event.revision
      ? [`${event.revision} came after ${before.revision}`]
      : [];
  });

const unique: Property = (watch) => {
  const seen = new Set<number>();
  return events(watch).flatMap(({ revision }) => {
    const isTwice = seen.has(revision);
    seen.add(revision);
    return isTwice ? [`${revision} came twice`] : [];
  });
};

const atomic: Property = (watch, { groups }) =>
  groups.flatMap((group) => {
    const wanted = new Set(group);
    const parts = watch.batches.filter((batch) => batch.some(({ revision }) => wanted.has(revision)));
    return parts.length > 1 ? [`the commit of ${group.join(', ')} came in ${parts.length} parts`] : [];
  });

const bookmarkable: Property = (watch, committed) =>
  watch.bookmarks.flatMap(({ batches, revision }) => {
    const before = watch.batches.slice(0, batches).flat();
    const missing = due(watch, committed, revision).filter(
      (event) => !before.some((other) => other.revision === event.revision),
    );
    const after = watch.batches
      .slice(batches)
      .flat()
      .filter((event) => event.revision <= revision);
    return [...missing, ...after].map((event) => `bookmark ${revision} came before ${event.revision}`);
  });

const reliable: Property = (watch, committed) => {
  const given = new Set(events(watch).map(({ revision }) => revision));
  const newest = Math.max(watch.from, ...given, ...watch.bookmarks.map(({ revision }) => revision));
  return due(watch, committed, newest).flatMap(({ revision }) =>
    given.has(revision) ? [] : [`${revision} is missing`],
  );
};

const resumable: Property = (watch) =>
  events(watch).flatMap(({ revision }) =>
    revision <= watch.from ? [`${revision} is not after ${watch.from}, where the watch begins`] : [],
  );

const filtered: Property = (watch, { events: all }) =>
  events(watch).flatMap((event) => {
    if (!watch.contains(event.key)) return [`${event.key} at ${event.revision} was not asked for`];
    const { key, value } = all.find(({ revision }) => revision === event.revision) ?? {};
    return key === event.key && value === event.value ? [] : [`${event.revision} is not what was committed`];
  });

const previousRight: Property = (watch, { events: all }) =>
  events(watch).flatMap((event) => {
    const previous = all.find(({ revision }) => revision === event.revision)?.previous;
    return event.previous === previous
      ? []
      : [`before ${event.revision} there was ${previous}, not ${event.previous}`];
  });

const isCreateRight: Property = (watch, { events: all }) =>
  events(watch).flatMap((event) => {
    const { type } = all.find(({ revision }) => revision === event.revision) ?? {};
    return event.type === type ? [] : [`${event.revision} is ${type}, not ${event.type}`];
  });

export const WATCH_PROPERTIES: Readonly<Record<string, Property>> = {
  ordered,
  unique,
  atomic,
  bookmarkable,
  reliable,
  resumable,
  filtered,
  previousRight,
  isCreateRight,
};

/** Everything that is wrong with a watch: `property: what`. */
export function watchViolations(watch: WatchHistory, committed: CommittedHistory): string[] {
  return Object.entries(WATCH_PROPERTIES).flatMap(([name, property]) =>
    property(watch, committed).map((what) => `${name}: ${what}`),
  );
}
