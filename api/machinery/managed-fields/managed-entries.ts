/** `metadata.managedFields` and the owners it stands for. Mirrors apimachinery util/managedfields internal/managedfields.go. */
import { compareText } from '../go-format.ts';
import type { ManagedFieldsEntry, UnknownObject } from '../object-meta.ts';
import { EMPTY_SET, parseFieldSet, type FieldSet } from './field-set.ts';
import { PathElementError, scalarText } from './path-element.ts';
import type { Owners, VersionedSet } from './updater.ts';

/** Owners and when each wrote last. */
export interface Managed {
  readonly owners: Owners;
  /** RFC 3339, by manager identifier. */
  readonly times: Map<string, string | undefined>;
  /** The entries that owners were read from: what stays as it was is written as it was. */
  readonly sources: ReadonlyMap<VersionedSet, ManagedFieldsEntry>;
}

export function emptyManaged(): Managed {
  return { owners: new Map(), times: new Map(), sources: new Map() };
}

/**
 * Who an entry is of: updates of each version and subresource are kept apart, applies only by subresource. The text is
 * JSON in upstream's form, because conflicts and bundling sort by it.
 */
export function managerIdentifier(entry: ManagedFieldsEntry): string {
  const { manager, operation, apiVersion, subresource } = entry;
  const text =
    member('manager', manager) +
    member('operation', operation) +
    (operation === 'Apply' ? '' : member('apiVersion', apiVersion)) +
    member('subresource', subresource);
  return `{${text.slice(1)}}`;
}

function member(name: string, value: string | undefined): string {
  return value === undefined || value === '' ? '' : `,"${name}":${scalarText(value)}`;
}

/** Undefined when an entry cannot be read. What comes from the store is in normal form. */
export function decodeManaged(
  entries: readonly ManagedFieldsEntry[] | undefined,
  from: 'client' | 'store',
): Managed | undefined {
  const owners: Owners = new Map();
  const times = new Map<string, string | undefined>();
  const sources = new Map<VersionedSet, ManagedFieldsEntry>();
  for (const entry of entries ?? []) {
    const owner = decodeOwner(entry, from);
    if (owner === undefined) return undefined;
    const manager = managerIdentifier(entry);
    owners.set(manager, owner);
    times.set(manager, entry.time);
    if (from === 'store') sources.set(owner, entry);
  }
  return { owners, times, sources };
}

function decodeOwner(entry: ManagedFieldsEntry, from: 'client' | 'store'): VersionedSet | undefined {
  const { operation, apiVersion = '', fieldsType } = entry;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (apiVersion === '' || fieldsType !== 'FieldsV1') return undefined;
  const applied = operation === 'Apply';
  if (from === 'store') return { set: (entry.fieldsV1 ?? EMPTY_SET) as FieldSet, apiVersion, applied };
  try {
    return { set: parseFieldSet(entry.fieldsV1), apiVersion, applied };
  } catch (error) {
    if (error instanceof PathElementError) return undefined;
    throw error;
  }
}

/** Entries in upstream's order and key order; undefined when there is no owner. Times are all of one form and length. */
export function encodeManaged({ owners, times, sources }: Managed): ManagedFieldsEntry[] | undefined {
  if (owners.size === 0) return undefined;
  const entries: ManagedFieldsEntry[] = [];
  for (const [identifier, owner] of owners) {
    const time = times.get(identifier);
    const source = sources.get(owner);
    entries.push(
      source !== undefined && source.time === time ? source : encodeOwner(identifier, owner, time),
    );
  }
  return entries.length === 1 ? entries : entries.sort(compareEntries);
}

function encodeOwner(
  identifier: string,
  { set, apiVersion, applied }: VersionedSet,
  time: string | undefined,
): ManagedFieldsEntry {
  const { manager, operation, subresource } = parseIdentifier(identifier);
  const entry: ManagedFieldsEntry = {};
  if (manager !== undefined) entry.manager = manager;
  entry.operation = applied ? 'Apply' : operation!;
  entry.apiVersion = apiVersion;
  if (time !== undefined) entry.time = time;
  entry.fieldsType = 'FieldsV1';
  entry.fieldsV1 = set;
  if (subresource !== undefined) entry.subresource = subresource;
  return entry;
}

/** Few managers write many objects. */
const parsedIdentifiers = new Map<string, ManagedFieldsEntry>();
const PARSED_IDENTIFIERS_MAX = 1000;

/** Manager, operation, subresource and, of updates, apiVersion. */
export function parseIdentifier(identifier: string): ManagedFieldsEntry {
  let entry = parsedIdentifiers.get(identifier);
  if (entry === undefined) {
    if (parsedIdentifiers.size >= PARSED_IDENTIFIERS_MAX) parsedIdentifiers.clear();
    parsedIdentifiers.set(identifier, (entry = JSON.parse(identifier) as ManagedFieldsEntry));
  }
  return entry;
}

function compareEntries(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  return (
    compareText(a.operation!, b.operation!) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.manager ?? '', b.manager ?? '') ||
    compareText(a.apiVersion!, b.apiVersion!) ||
    compareText(a.subresource ?? '', b.subresource ?? '')
  );
}

/** Canonical form drops empty lists; one of managers is a wish that has to get through to {@link isReset}. */
export function keepReset(raw: unknown, object: UnknownObject): void {
  const given = (raw as Partial<UnknownObject> | null)?.metadata?.managedFields;
  if (Array.isArray(given) && given.length === 0) object.metadata.managedFields = [];
}

/** A client asks for a clean slate with no entry, or with one that is empty. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (entries === undefined || entries.length > 1) return false;
  return entries.length === 0 || Object.keys(entries[0]!).length === 0;
}
