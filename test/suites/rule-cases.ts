/**
 * Golden cases of what kinds default, refuse, keep and warn of: one file a kind in `test/golden/rules`. What is expected
 * was written by the registry strategies of Kubernetes itself, run on the same objects.
 */
import type { ResourceDefinition, WriteFacts } from '../../api/definition.ts';
import { canonicalize } from '../../api/machinery/codec.ts';
import { StatusError } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { applyDefaults, prepareForCreate, validateNewObject } from '../../server/registry/before-create.ts';
import {
  countGeneration,
  keepOtherParts,
  keepSystemFields,
  validateChange,
} from '../../server/registry/before-update.ts';

/**
 * Values by JSON pointer; null takes the member away, `@N` stands for N times the letter a, `@N copies` for that many of
 * the first item of the list.
 */
export type Changes = Readonly<Record<string, unknown>>;

export interface RuleCase {
  /** `create`, `update`, or a subresource. */
  readonly on: string;
  /** What differs from the valid object in what is sent. */
  readonly set: Changes;
  /** What differs from the valid object in what is stored. */
  readonly old?: Changes;
  /** `type field: message`, each once, in order; absent when the write is accepted. */
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[];
  /** What the accepted object differs in from what was sent. */
  readonly becomes?: Changes;
}

export interface RuleFile {
  /** Structs shown in messages are compared as well. */
  readonly exact?: boolean;
  readonly valid: UnknownObject;
  readonly cases: readonly RuleCase[];
}

export type RuleOutcome = Pick<RuleCase, 'errors' | 'warnings' | 'becomes'>;

/** Who writes, and when, in every case. */
const FACTS: Omit<WriteFacts, 'warnings'> = {
  user: { name: 'kubernetes-admin', groups: ['kubeadm:cluster-admins', 'system:authenticated'] },
  nowMs: Date.UTC(2023, 10, 14, 22, 13, 20),
};

const SHORT = /^@(\d+)( copies)?$/;
/** Metadata that the server fills in by chance and time. */
const FILLED = ['uid', 'creationTimestamp', 'resourceVersion'];

/** A copy of `object` with the changes made. */
function change<T>(object: T, changes: Changes = {}): T {
  const copy = structuredClone(object);
  for (const [pointer, value] of Object.entries(changes)) {
    const names = pointer
      .slice(1)
      .split('/')
      .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
    let place = copy as Record<string, unknown>;
    for (const name of names.slice(0, -1)) place = (place[name] ??= {}) as Record<string, unknown>;
    const last = names.at(-1)!;
    if (value === null && !Array.isArray(place)) delete place[last];
    else place[last] = expand(structuredClone(value), place[last]);
  }
  return copy;
}

function expand(value: unknown, before: unknown): unknown {
  const [, count, copies] = (typeof value === 'string' ? SHORT.exec(value) : null) ?? [];
  if (count === undefined) return value;
  if (copies === undefined) return 'a'.repeat(Number(count));
  return Array.from({ length: Number(count) }, () => structuredClone((before as unknown[])[0]));
}

/** Long runs of the letter a as {@link Changes} have them. */
function shorten(text: string): string {
  return text.replace(/a{50,}/g, (run) => `@${run.length}`);
}

/** What `after` differs in from `before`, by JSON pointer; null for what is gone. */
function difference(before: unknown, after: unknown, at = ''): Record<string, unknown> {
  if (JSON.stringify(before) === JSON.stringify(after)) return {};
  const sameLength =
    Array.isArray(before) && Array.isArray(after) ? before.length === after.length : isPlain(before, after);
  if (!sameLength) return { [at]: after ?? null };
  const left = before as Record<string, unknown>;
  const right = after as Record<string, unknown>;
  const found: Record<string, unknown> = {};
  for (const name of [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()) {
    const token = name.replaceAll('~', '~0').replaceAll('/', '~1');
    Object.assign(found, difference(left[name], right[name], `${at}/${token}`));
  }
  return found;
}

function isPlain(a: unknown, b: unknown): boolean {
  return [a, b].every((value) => typeof value === 'object' && value !== null && !Array.isArray(value));
}

/** An object without what the server fills in by chance. */
function withoutFilled(object: UnknownObject): UnknownObject {
  const metadata = Object.fromEntries(
    Object.entries(object.metadata).filter(([name]) => !FILLED.includes(name)),
  );
  return { ...object, metadata };
}

/** What this project does with a case. */
export function runCase(definition: ResourceDefinition, file: RuleFile, rule: RuleCase): RuleOutcome {
  const sent = change(file.valid, rule.set);
  const warnings: string[] = [];
  try {
    const result =
      rule.on === 'create'
        ? createObject(definition, sent, warnings)
        : updateObject(
            definition,
            rule.on,
            sent,
            storedObject(definition, change(file.valid, rule.old)),
            warnings,
          );
    const becomes = difference(withoutFilled(sent), withoutFilled(result));
    return { ...(warnings.length === 0 ? {} : { warnings }), becomes };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const causes = error.status.details?.causes ?? [];
    const texts = causes.map(({ reason, field, message }) => `${reason} ${field}: ${message}`);
    return { errors: distinct(texts, file.exact) };
  }
}

/** Values that Go shows as its own structs are not compared, nor are empty lists told from missing ones. */
function withoutStructs(text: string): string {
  return text.replace(/(Invalid value|Duplicate value|Not found): (\{.*\}|\[.*\]|null)(?=: |$)/, '$1: {}');
}

function distinct(texts: readonly string[], exact = false): string[] {
  return [...new Set(texts.map((text) => shorten(exact ? text : withoutStructs(text))))];
}

function fill(definition: ResourceDefinition, object: UnknownObject): UnknownObject {
  const copy = canonicalize(definition.storageVersion.schema, object);
  copy.metadata.uid ??= '11111111-1111-1111-1111-111111111111';
  copy.metadata.creationTimestamp ??= '2023-11-14T22:13:20Z';
  return copy;
}

/** What a valid object is once it is stored, status included. */
function storedObject(definition: ResourceDefinition, object: UnknownObject): UnknownObject {
  const stored = createObject(definition, object, []);
  const status = canonicalize(definition.storageVersion.schema, object)['status'];
  if (status !== undefined) stored['status'] = status;
  stored.metadata.resourceVersion = '1';
  return stored;
}

function createObject(
  definition: ResourceDefinition,
  object: UnknownObject,
  warnings: string[],
): UnknownObject {
  const created = fill(definition, object);
  applyDefaults(definition, created);
  prepareForCreate(definition, created, { ...FACTS, warnings });
  const canonical = canonicalize(definition.storageVersion.schema, created);
  validateNewObject(definition, canonical);
  warnings.push(...(definition.behaviour.warnings?.(canonical, undefined, '') ?? []));
  return canonical;
}

function updateObject(
  definition: ResourceDefinition,
  on: string,
  object: UnknownObject,
  old: UnknownObject,
  warnings: string[],
): UnknownObject {
  const { schema } = definition.storageVersion;
  const subresource = on === 'update' ? '' : on;
  const changed = fill(definition, object);
  keepSystemFields(changed, old);
  applyDefaults(definition, changed);
  const facts = { ...FACTS, warnings };
  keepOtherParts(definition, subresource, changed, old, facts);
  if (subresource === '') definition.behaviour.prepareForUpdate?.(changed, old, { ...FACTS, warnings });
  else if (subresource === 'status') definition.behaviour.prepareForStatusUpdate?.(changed, old, facts);
  const canonical = canonicalize(schema, changed);
  const isPart = definition.behaviour.parts?.[subresource] !== undefined;
  if (subresource === '' || isPart) countGeneration(definition, canonical, old);
  validateChange(definition, subresource, canonical, old);
  warnings.push(...(definition.behaviour.warnings?.(canonical, old, subresource) ?? []));
  return canonical;
}
