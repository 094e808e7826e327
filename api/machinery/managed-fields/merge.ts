/** Merging a configuration into an object. Mirrors structured-merge-diff typed/merge.go. */
import { setMember } from '../json.ts';
import { shapeOf, type ListShape, type MapShape, type MergeType } from './merge-type.ts';
import {
  elementAt,
  asList,
  asMap,
  isEmptyMap,
  itemElement,
  visitMembers,
  throwMisfits,
} from './typed-value.ts';
import { formatElement } from './path-element.ts';

/** `live` with what `config` says. Shares parts with both. Throws TypedError for a list of `config` with duplicates. */
export function mergeValues(type: MergeType, live: unknown, config: unknown): unknown {
  // The shape of the configuration decides; without one, that of the object.
  const shape = shapeOf(type, config === undefined ? live : config);
  switch (shape) {
    case 'scalar':
      return config === undefined ? live : config;
    case 'list':
      return mergeLists(type.list!, live, config);
    case 'map':
      return mergeMaps(type.map!, live, config);
  }
}

function mergeMaps(shape: MapShape, live: unknown, config: unknown): unknown {
  const left = asMap(live);
  const right = asMap(config);
  const isEmpty = (left === undefined || isEmptyMap(left)) && (right === undefined || isEmptyMap(right));
  if (shape.atomic || isEmpty) return config === undefined ? live : config;
  const merged: Record<string, unknown> = {};
  visitMembers(shape, left, right, (_, type, before, after, name) => {
    const value = type === undefined ? undefined : mergeValues(type, before, after);
    if (value !== undefined) setMember(merged, name, value);
  });
  return isEmptyMap(merged) ? undefined : merged;
}

function mergeLists(shape: ListShape, live: unknown, config: unknown): unknown {
  const left = asList(live) ?? [];
  const right = asList(config) ?? [];
  if (shape.atomic || (left.length === 0 && right.length === 0)) return config === undefined ? live : config;
  const merged = new ListMerge(shape, left, right).items();
  return merged.length === 0 ? undefined : merged;
}

/**
 * Items of both lists: those of the configuration in its order, the others where they stood between them.
 * Duplicates of the object stay as they are unless the configuration has their key.
 */
class ListMerge {
  readonly #shape: ListShape;
  readonly #live: readonly unknown[];
  readonly #liveElements: readonly string[];
  readonly #configElements: readonly string[];
  /** Null stands for several. */
  readonly #liveItems: ReadonlyMap<string, unknown>;
  readonly #configItems: ReadonlyMap<string, unknown>;

  constructor(shape: ListShape, live: readonly unknown[], config: readonly unknown[]) {
    this.#shape = shape;
    this.#live = live;
    [this.#configElements, this.#configItems] = index(shape, config, false);
    [this.#liveElements, this.#liveItems] = index(shape, live, true);
  }

  items(): unknown[] {
    const merged: unknown[] = [];
    const done = new Set<string>();
    const shared = this.#configElements.filter((element) => this.#liveItems.has(element));
    let nextShared = shared.shift();
    const take = (element: string): void => {
      done.add(element);
      this.#push(merged, this.#liveItems.get(element), this.#configItems.get(element));
    };
    let at = 0;
    let configAt = 0;
    while (at < this.#liveElements.length || configAt < this.#configElements.length) {
      const element = this.#liveElements[at];
      const configElement = this.#configElements[configAt];
      if (element !== undefined && configElement !== undefined) {
        if (element === configElement) {
          take(element);
          at++;
          configAt++;
          nextShared = shared.shift();
          continue;
        }
        if (this.#configItems.has(element) && nextShared !== undefined && nextShared !== element) {
          at++;
          continue;
        }
      }
      if (element !== undefined) {
        if (!this.#configItems.has(element)) {
          this.#push(merged, this.#live[at], undefined);
          at++;
          continue;
        }
        if (done.has(element)) at++;
      }
      if (configElement !== undefined) {
        take(configElement);
        configAt++;
        if (nextShared === configElement) nextShared = shared.shift();
      }
    }
    return merged;
  }

  #push(merged: unknown[], live: unknown, config: unknown): void {
    const item = mergeValues(this.#shape.items, live, config);
    if (item !== undefined) merged.push(item);
  }
}

function index(
  shape: ListShape,
  list: readonly unknown[],
  allowDuplicates: boolean,
): [elements: string[], items: Map<string, unknown>] {
  const elements: string[] = [];
  const items = new Map<string, unknown>();
  for (const [place, item] of list.entries()) {
    const element = elementAt(place, item, (each) => itemElement(shape, each));
    const isKnown = items.has(element);
    if (isKnown && !allowDuplicates)
      throwMisfits([{ path: '', message: `duplicate entries for key ${formatElement(element)}` }]);
    items.set(element, isKnown ? null : item);
    elements.push(element);
  }
  return [elements, items];
}
