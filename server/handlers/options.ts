/** Options of the verbs, read from the query. Mirrors apimachinery apis/meta/v1 conversion and validation. */
import { newBadRequest, newInvalid, type FieldError } from '../../api/machinery/errors.ts';
import { parseFieldSelector } from '../../api/machinery/fields.ts';
import { goQuote } from '../../api/machinery/go-format.ts';
import { forbidden, invalid, notSupported, required } from '../../api/machinery/field-errors.ts';
import {
  FIELD_MANAGER_LENGTH_MAX,
  validateFieldManager,
} from '../../api/machinery/object-meta-validation.ts';
import type { Exchange } from '../exchange.ts';
import { isTrue } from '../filters/request-info.ts';
import type { ListReadOptions, WatchReadOptions, WriteOptions } from '../registry/interface.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteQuery extends WriteOptions {
  readonly fieldValidation: FieldValidation;
}

const FIELD_VALIDATIONS = ['Ignore', 'Warn', 'Strict'];

export interface ApplyQuery extends WriteQuery {
  /** Takes fields from their managers. */
  readonly force: boolean;
}

/** Options of server-side apply. Throws 422 naming every value that is not allowed. */
export function parseApplyOptions(exchange: Exchange): ApplyQuery {
  const { query } = exchange;
  const missing =
    (query.get('fieldManager') ?? '') === '' ? [required('fieldManager', 'is required for apply patch')] : [];
  return { ...parseOptions(exchange, 'PatchOptions', missing), force: isTrue(query.get('force')) };
}

/** Options of create, update and patch. Throws 422 naming every value that is not allowed. */
export function parseWriteOptions(
  exchange: Exchange,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
): WriteQuery {
  const isForced = kind === 'PatchOptions' && exchange.query.has('force');
  const errors = isForced ? [forbidden('force', 'may not be specified for non-apply patch')] : [];
  return parseOptions(exchange, kind, errors);
}

function parseOptions(exchange: Exchange, kind: string, errors: FieldError[]): WriteQuery {
  const { query, request } = exchange;
  const fieldManager = query.get('fieldManager') ?? '';
  const fieldValidation = query.get('fieldValidation') ?? '';
  errors.push(...validateFieldManager(fieldManager, 'fieldManager'), ...validateDryRun(dryRunValues(query)));
  if (fieldValidation !== '' && !FIELD_VALIDATIONS.includes(fieldValidation)) {
    errors.push(notSupported('fieldValidation', fieldValidation, FIELD_VALIDATIONS));
  }
  throwInvalidOptions(kind, errors);
  return {
    dryRun: dryRunValues(query).length > 0,
    fieldManager: fieldManager === '' ? managerOfAgent(request.headers.get('user-agent')) : fieldManager,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as FieldValidation),
  };
}

/** `dryRun` values, without the empty one that means nothing. */
export function dryRunValues(query: URLSearchParams): string[] {
  return query.getAll('dryRun').filter((value) => value !== '');
}

function validateDryRun(values: readonly string[]): FieldError[] {
  return values.every((value) => value === 'All') ? [] : [notSupported('dryRun', values, ['All'])];
}

/** Throws 422 for options of a kind of meta.k8s.io when anything is wrong with them. */
export function throwInvalidOptions(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw newInvalid('meta.k8s.io', kind, '', errors);
}

/** The manager a client that names none writes as: its user agent up to the first slash. */
function managerOfAgent(agent: string | null): string {
  const name = (agent ?? '').split('/', 1)[0]!;
  return Buffer.from(name)
    .subarray(0, FIELD_MANAGER_LENGTH_MAX)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}

export interface ListQuery extends ListReadOptions, WatchReadOptions {
  /** 0 when not given. */
  readonly timeoutSeconds: number;
}

/** Options of list, watch and deletecollection. Throws 400 on what is no number; selectors are the registry's to read. */
export function parseListOptions({ query, info }: Exchange): ListQuery {
  const text = (name: string): string | undefined => query.get(name) ?? undefined;
  const sendInitialEvents = query.get('sendInitialEvents');
  return {
    labelSelector: text('labelSelector'),
    fieldSelector: fieldSelectorOf(query.get('fieldSelector') ?? '', info.isItem ? info.name : ''),
    // Not positive means unlimited.
    limit: Math.max(0, integerOf(query.get('limit'))),
    continue: text('continue'),
    resourceVersion: text('resourceVersion'),
    resourceVersionMatch: text('resourceVersionMatch'),
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    ...(sendInitialEvents === null ? {} : { sendInitialEvents: isTrue(sendInitialEvents) }),
    timeoutSeconds: integerOf(query.get('timeoutSeconds')),
  };
}

/** Watching one item by its path is watching the collection for its name. */
function fieldSelectorOf(selector: string, name: string): string | undefined {
  if (name === '') return selector === '' ? undefined : selector;
  if (selector === '') return `metadata.name=${name}`;
  // The selector may ask for more, as long as it asks for this name.
  if (nameSelectedBy(selector) !== name)
    throw newBadRequest("fieldSelector metadata.name doesn't match requested name");
  return selector;
}

function nameSelectedBy(selector: string): string | undefined {
  try {
    return parseFieldSelector(selector).exactValue('metadata.name');
  } catch (error) {
    throw newBadRequest((error as Error).message);
  }
}

/** A whole number of the query; 0 when absent or empty. Throws 400 in Go's words. */
export function integerOf(text: string | null): number {
  if (text === null || text === '') return 0;
  if (!/^[+-]?\d+$/.test(text))
    throw newBadRequest(`strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw newBadRequest(`strconv.ParseInt: parsing ${goQuote(text)}: value out of range`);
  return value;
}

/** 422 for options of deletes. Mirrors ValidateDeleteOptions. */
export function validateDeleteOptions(options: {
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly dryRun: readonly string[];
}): void {
  const errors: FieldError[] = [];
  const { propagationPolicy: policy, orphanDependents } = options;
  if (policy !== undefined && orphanDependents !== undefined) {
    errors.push(
      invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'),
    );
  }
  if (policy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(policy)) {
    errors.push(notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']));
  }
  errors.push(...validateDryRun(options.dryRun));
  throwInvalidOptions('DeleteOptions', errors);
}
