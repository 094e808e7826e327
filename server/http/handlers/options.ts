/** Query parameters of the verbs, checked as upstream checks them. */
import { newBadRequest, newInvalid } from '../../../api/machinery/errors.ts';
import { notSupported, validateFieldManager } from '../../../api/machinery/validation.ts';
import type { ListReadOptions, WatchReadOptions, WriteOptions } from '../../registry/interface.ts';
import type { FieldValidation } from '../negotiation/request-body.ts';
import { isTrue } from '../request.ts';

/** A whole number, or undefined when absent. Throws 400. */
export function integerOption(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw newBadRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return value;
}

function booleanOption(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  return text === null ? undefined : isTrue(text);
}

export function listOptions(query: URLSearchParams): ListReadOptions {
  return {
    labelSelector: query.get('labelSelector') ?? undefined,
    fieldSelector: query.get('fieldSelector') ?? undefined,
    limit: Math.max(0, integerOption(query, 'limit') ?? 0),
    continue: query.get('continue') ?? undefined,
    resourceVersion: query.get('resourceVersion') ?? undefined,
    resourceVersionMatch: query.get('resourceVersionMatch') ?? undefined,
  };
}

export function watchOptions(query: URLSearchParams): WatchReadOptions {
  return {
    labelSelector: query.get('labelSelector') ?? undefined,
    fieldSelector: query.get('fieldSelector') ?? undefined,
    resourceVersion: query.get('resourceVersion') ?? undefined,
    resourceVersionMatch: query.get('resourceVersionMatch') ?? undefined,
    allowWatchBookmarks: booleanOption(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: booleanOption(query, 'sendInitialEvents'),
  };
}

/** `dryRun` may only be `All`. Throws 422 under the name of the options kind. */
export function dryRunOption(values: readonly string[], kind: string): boolean {
  const given = values.filter((value) => value !== '');
  const wrong = given.filter((value) => value !== 'All');
  if (wrong.length > 0) {
    throw newInvalid('meta.k8s.io', kind, '', [notSupported('dryRun', given, ['All'])]);
  }
  return given.length > 0;
}

/** Manager of the fields a request writes: the one named, else the client's program. */
export function writeOptions(query: URLSearchParams, headers: Headers, kind: string): WriteOptions {
  const named = query.get('fieldManager') ?? '';
  const errors = validateFieldManager(named, 'fieldManager');
  if (errors.length > 0) throw newInvalid('meta.k8s.io', kind, '', errors);
  const program = (headers.get('user-agent') ?? '').split('/', 1)[0]!.slice(0, 128);
  return { dryRun: dryRunOption(query.getAll('dryRun'), kind), fieldManager: named || program };
}

/** Default Warn. Throws 422. */
export function fieldValidationOption(query: URLSearchParams, kind: string): FieldValidation {
  const text = query.get('fieldValidation') ?? '';
  if (text === '') return 'Warn';
  if (text === 'Ignore' || text === 'Warn' || text === 'Strict') return text;
  throw newInvalid('meta.k8s.io', kind, '', [notSupported('fieldValidation', text, ['', 'Ignore', 'Strict', 'Warn'])]);
}

