/** Finds stored objects by their labels and fields without looking at all of them. */
import type { ResourceDefinition } from '../../api/definition.ts';
import type { KeyRange, Store, StoredValue, StoreEvent, Watch } from '../../storage/interface.ts';
import { byteOrder } from '../../storage/keys.ts';
import { attributeOf, type Pin, type Selection } from './selection.ts';
import { selectableOf } from './stored-form.ts';

/** Attributes followed per resource: those that selectors asked for last. */
const ATTRIBUTES_MAX = 16;
/** Where more than this part of the objects may match, going through all of them in order is as good. */
const SCAN_PART = 1 / 8;
/** So few are sorted at once whatever their part is. */
const ALWAYS_SORTED = 256;

type Postings = Map<string, Map<string, StoredValue>>;

/** Indexes by resource, made when a selector first needs them. */
export class SelectorIndex {
  readonly #store: Store;
  /** By where the range of the resource starts. */
  readonly #resources = new Map<string, ResourceIndex>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Values in `range` now, in key order, among which are all that match; undefined when all of them would have to be looked
   * at. `resource` is the range of the whole resource.
   */
  find(
    definition: ResourceDefinition,
    resource: KeyRange,
    range: KeyRange,
    selection: Selection,
  ): readonly StoredValue[] | undefined {
    const { pins } = selection;
    if (pins.length === 0) return undefined;
    let index = this.#resources.get(resource.start);
    if (index?.definition !== definition) {
      index?.close();
      index = new ResourceIndex(this.#store, resource, definition);
      this.#resources.set(resource.start, index);
    }
    return index.find(range, pins);
  }
}

/**
 * Which values have which attributes. It is told of every commit before the commit is visible, and costs a write as much as
 * the attributes that are followed, however many objects there are.
 */
class ResourceIndex {
  readonly #store: Store;
  readonly #resource: KeyRange;
  readonly definition: ResourceDefinition;
  /** Most recently used last. */
  readonly #attributes = new Map<string, Postings>();
  #watch: Watch | undefined;

  constructor(store: Store, resource: KeyRange, definition: ResourceDefinition) {
    this.#store = store;
    this.#resource = resource;
    this.definition = definition;
  }

  find(range: KeyRange, pins: readonly Pin[]): readonly StoredValue[] | undefined {
    if (!this.#follow()) return undefined;
    let [fewest, found]: [number, Map<string, StoredValue>[]] = [Infinity, []];
    for (const { attribute, values } of pins) {
      const postings = this.#postingsOf(attribute);
      const sets = values.flatMap((value) => postings.get(value) ?? []);
      const size = sets.reduce((sum, set) => sum + set.size, 0);
      if (size < fewest) [fewest, found] = [size, sets];
    }
    const isScanned = fewest > ALWAYS_SORTED && fewest > this.#store.count(this.#resource) * SCAN_PART;
    return isScanned ? undefined : inRange(found, range);
  }

  close(): void {
    this.#watch?.cancel();
    this.#forget();
  }

  /** Whether what is indexed is the state that readers see: not so while watchers are being told of a commit. */
  #follow(): boolean {
    this.#watch ??= this.#store.watch(this.#resource, this.#store.revision, {
      events: (events) => this.#apply(events),
      ended: () => this.#forget(),
    });
    return this.#watch.revision === this.#store.revision;
  }

  #forget(): void {
    this.#watch = undefined;
    this.#attributes.clear();
  }

  #postingsOf(attribute: string): Postings {
    const known = this.#attributes.get(attribute);
    const postings: Postings = known ?? new Map();
    if (known === undefined) {
      for (const value of this.#store.list(this.#resource).entries) this.#add(attribute, postings, value);
    }
    this.#attributes.delete(attribute);
    this.#attributes.set(attribute, postings);
    const [oldest] = this.#attributes.keys();
    if (this.#attributes.size > ATTRIBUTES_MAX) this.#attributes.delete(oldest!);
    return postings;
  }

  #apply(events: readonly StoreEvent[]): void {
    for (const { type, value, previous } of events) {
      for (const [attribute, postings] of this.#attributes) {
        if (previous !== undefined) this.#remove(attribute, postings, previous);
        if (type !== 'deleted') this.#add(attribute, postings, value);
      }
    }
  }

  #add(attribute: string, postings: Postings, value: StoredValue): void {
    const text = attributeOf(selectableOf(value, this.definition), attribute);
    if (text === undefined) return;
    const values = postings.get(text);
    if (values === undefined) postings.set(text, new Map([[value.key, value]]));
    else values.set(value.key, value);
  }

  #remove(attribute: string, postings: Postings, value: StoredValue): void {
    const text = attributeOf(selectableOf(value, this.definition), attribute);
    if (text === undefined) return;
    const values = postings.get(text);
    values?.delete(value.key);
    if (values?.size === 0) postings.delete(text);
  }
}

/** The values of disjoint sets that lie in the range, in key order. */
function inRange(sets: readonly Map<string, StoredValue>[], range: KeyRange): StoredValue[] {
  const [start, end] = [byteOrder(range.start), byteOrder(range.end)];
  return sets
    .flatMap((set) => [...set.values()])
    .map((value) => ({ value, order: byteOrder(value.key) }))
    .filter(({ order }) => start <= order && order < end)
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ value }) => value);
}
