/** The resources served now: built-in ones, and custom ones that come and go. */
import type { ResourceDefinition } from './definition.ts';
import { compareText } from './machinery/go-format.ts';
import type { GroupVersionKind } from './machinery/gvk.ts';

/** An API group as discovery lists it. */
export interface GroupEntry {
  readonly name: string;
  /** Served versions, preferred first. */
  readonly versions: readonly string[];
  /** Sorted by plural name. */
  readonly definitions: readonly ResourceDefinition[];
}

const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/;

/** Order of versions by priority: GA before beta before alpha, newer first; names that are no versions last, by name. */
export function compareVersions(a: string, b: string): number {
  const left = VERSION.exec(a);
  const right = VERSION.exec(b);
  if (left === null || right === null) {
    if (left === null && right === null) return compareText(a, b);
    return left === null ? 1 : -1;
  }
  const stability = (match: RegExpExecArray): number =>
    match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
  return (
    stability(right) - stability(left) ||
    Number(right[1]) - Number(left[1]) ||
    Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}

/**
 * Definitions by group. Groups stay in the order of the definitions given at the start; later ones follow by name.
 * Changes are seen at once by every reader; listeners run synchronously, behind the change.
 */
export class DefinitionSet {
  readonly #groupOrder: string[] = [];
  readonly #byGroup = new Map<string, Map<string, ResourceDefinition>>();
  readonly #listeners = new Set<() => void>();
  #builtInGroups = 0;
  #groups: readonly GroupEntry[] | undefined;

  constructor(definitions: Iterable<ResourceDefinition> = []) {
    for (const definition of definitions) this.#put(definition);
    this.#builtInGroups = this.#groupOrder.length;
  }

  /** Every definition, groups in discovery order, sorted by plural name within. */
  all(): readonly ResourceDefinition[] {
    return this.groups().flatMap((group) => group.definitions);
  }

  /** Groups that have definitions, in discovery order; the core group is ''. */
  groups(): readonly GroupEntry[] {
    return (this.#groups ??= this.#groupOrder.flatMap((name) => {
      const definitions = [...(this.#byGroup.get(name)?.values() ?? [])];
      if (definitions.length === 0) return [];
      const versions = new Set(definitions.flatMap((item) => item.versions.map((version) => version.name)));
      return [
        {
          name,
          versions: [...versions].sort(compareVersions),
          definitions: definitions.sort((a, b) => compareText(a.names.plural, b.names.plural)),
        },
      ];
    }));
  }

  /** The definition that serves a plural name in a version. */
  find(group: string, version: string, plural: string): ResourceDefinition | undefined {
    const definition = this.findResource(group, plural);
    return definition !== undefined && servesVersion(definition, version) ? definition : undefined;
  }

  /** The definition of a plural name in whatever version. */
  findResource(group: string, plural: string): ResourceDefinition | undefined {
    return this.#byGroup.get(group)?.get(plural);
  }

  /** The definition that serves a kind in a version. */
  findByKind(group: string, version: string, kind: string): ResourceDefinition | undefined {
    for (const definition of this.#byGroup.get(group)?.values() ?? []) {
      if (definition.names.kind === kind && servesVersion(definition, version)) return definition;
    }
    return undefined;
  }

  /** As `findByKind`. */
  findKind({ group, version, kind }: GroupVersionKind): ResourceDefinition | undefined {
    return this.findByKind(group, version, kind);
  }

  /** The definition that keeps the objects of this one: itself, or that of another group. */
  storing(definition: ResourceDefinition): ResourceDefinition {
    const { group, names, storedAs } = definition;
    if (storedAs.group === group && storedAs.resource === names.plural) return definition;
    const storing = this.findResource(storedAs.group, storedAs.resource);
    if (storing === undefined) throw new Error(`nothing stores ${names.plural} of ${group}`);
    return storing;
  }

  /** Adds a definition, or puts it in the place of the one with its group and plural name. */
  add(definition: ResourceDefinition): void {
    this.#put(definition);
    this.#changed();
  }

  /** Takes a definition out. Returns whether it was there. */
  remove(group: string, plural: string): boolean {
    const found = this.#byGroup.get(group)?.delete(plural) ?? false;
    if (found) this.#changed();
    return found;
  }

  /** Calls `listener` behind every change. Returns how to stop it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #put(definition: ResourceDefinition): void {
    let group = this.#byGroup.get(definition.group);
    if (group === undefined) {
      group = new Map();
      this.#byGroup.set(definition.group, group);
      this.#groupOrder.push(definition.group);
      if (this.#builtInGroups > 0) {
        const added = this.#groupOrder.splice(this.#builtInGroups).sort(compareText);
        this.#groupOrder.push(...added);
      }
    }
    group.set(definition.names.plural, definition);
  }

  #changed(): void {
    this.#groups = undefined;
    for (const listener of this.#listeners) listener();
  }
}

/** Whether it is served in that version. */
export function servesVersion(definition: ResourceDefinition, version: string): boolean {
  return definition.versions.some((item) => item.name === version);
}
