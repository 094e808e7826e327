/** Lists: snapshots at a revision, pages, selectors. Mirrors apiserver storage GetList; see semantics of resourceVersion. */
import { newBadRequest, newExpired, newInvalid } from '../../api/machinery/errors.ts';
import { forbidden, notSupported } from '../../api/machinery/field-errors.ts';
import { isCompacted } from '../../storage/errors.ts';
import type { KeyRange, Store, StoredValue } from '../../storage/interface.ts';
import type { ListReadOptions } from './interface.ts';

interface ContinueToken {
  readonly v: 'meta.k8s.io/v1';
  /** Revision of the snapshot; -1 continues at the newest revision. */
  readonly rv: number;
  /** Where to go on: the part of the last key behind the range's start, and a zero byte. */
  readonly start: string;
}

const EXPIRED_CONTINUE =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, ' +
  'or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - ' +
  'objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

export interface Page {
  readonly values: readonly StoredValue[];
  readonly revision: number;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** Throws 422 on combinations upstream forbids. */
export function validateListOptions(options: ListReadOptions): void {
  const match = options.resourceVersionMatch ?? '';
  const resourceVersion = options.resourceVersion ?? '';
  const errors = [];
  if (match !== '') {
    if (resourceVersion === '')
      errors.push(
        forbidden(
          'resourceVersionMatch',
          'resourceVersionMatch is forbidden unless resourceVersion is provided',
        ),
      );
    if ((options.continue ?? '') !== '')
      errors.push(
        forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'),
      );
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push(notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && resourceVersion === '0') {
      errors.push(
        forbidden(
          'resourceVersionMatch',
          'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
      );
    }
  }
  if (errors.length > 0) throw newInvalid('meta.k8s.io', 'ListOptions', '', errors);
}

/** A revision as it stands in a request. Throws 400 when it is no number. */
export function parseResourceVersion(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  const revision = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(revision)) {
    throw newBadRequest(
      `invalid resource version "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
    );
  }
  return revision;
}

/** What of a list is wanted. */
export interface PageFilter {
  /** Asked for every value that comes into question. */
  isWanted(value: StoredValue): boolean;
  /** Values in a range now, in order, among which are all wanted ones; undefined when that may be any. */
  find(range: KeyRange): readonly StoredValue[] | undefined;
}

/** Reads one page, of everything without a filter. */
export function readPage(
  store: Store,
  range: KeyRange,
  options: ListReadOptions,
  filter: PageFilter | undefined,
): Page {
  const limit = options.limit ?? 0;
  const token = (options.continue ?? '') === '' ? undefined : parseToken(options.continue!);
  const requested = parseResourceVersion(options.resourceVersion);
  if (token !== undefined && requested > 0) {
    throw newBadRequest('specifying resource version is not allowed when using continue');
  }
  const exact =
    options.resourceVersionMatch === 'Exact' ||
    (requested > 0 && limit > 0 && (options.resourceVersionMatch ?? '') === '');
  const revision =
    token === undefined
      ? exact && requested > 0
        ? requested
        : store.revision
      : token.rv < 0
        ? store.revision
        : token.rv;
  // Version "0" without an exact match may be answered from any state, so upstream's cache ignores the limit.
  const pageSize = options.resourceVersion === '0' && token === undefined ? 0 : limit;
  const from = token === undefined ? range : { start: range.start + token.start, end: range.end };
  const found = revision === store.revision ? filter?.find(from) : undefined;
  const entries = found ?? readEntries(store, from, revision, token);
  return cutPage(entries, range, revision, pageSize, filter?.isWanted);
}

function readEntries(
  store: Store,
  range: KeyRange,
  revision: number,
  token: ContinueToken | undefined,
): readonly StoredValue[] {
  try {
    return store.list(range, revision === store.revision ? {} : { revision }).entries;
  } catch (error) {
    if (!isCompacted(error)) throw error;
    if (token !== undefined) throw newExpired(EXPIRED_CONTINUE, formatToken(-1, token.start));
    throw newExpired(`The resourceVersion for the provided list is too old.`);
  }
}

function cutPage(
  entries: readonly StoredValue[],
  range: KeyRange,
  revision: number,
  limit: number,
  isWanted: ((value: StoredValue) => boolean) | undefined,
): Page {
  if (limit === 0) return { values: isWanted === undefined ? entries : entries.filter(isWanted), revision };
  const values: StoredValue[] = [];
  let last = 0;
  for (; last < entries.length && values.length < limit; last++) {
    if (isWanted === undefined || isWanted(entries[last]!)) values.push(entries[last]!);
  }
  const left = entries.length - last;
  const hasMore = isWanted === undefined ? left > 0 : entries.slice(last).some(isWanted);
  if (!hasMore) return { values, revision };
  const start = `${entries[last - 1]!.key.slice(range.start.length)}\0`;
  return {
    values,
    revision,
    continue: formatToken(revision, start),
    ...(isWanted === undefined ? { remainingItemCount: left } : {}),
  };
}

function formatToken(rv: number, start: string): string {
  const token: ContinueToken = { v: 'meta.k8s.io/v1', rv, start };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** Mirrors apiserver storage/continue.go DecodeContinue. */
function parseToken(text: string): ContinueToken {
  const bad = (why: string): Error =>
    newBadRequest(`invalid continue token: continue key is not valid: ${why}`);
  const illegal = /[^A-Za-z0-9_-]/.exec(text);
  if (illegal !== null) throw bad(`illegal base64 data at input byte ${illegal.index}`);
  let token: Partial<ContinueToken>;
  try {
    token = (JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) ?? {}) as Partial<ContinueToken>;
  } catch (error) {
    throw bad((error as Error).message);
  }
  if (token.v !== 'meta.k8s.io/v1')
    throw bad(`server does not recognize this encoded version ${goText(token.v)}`);
  if (!Number.isSafeInteger(token.rv) || token.rv === 0)
    throw bad('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  const { start = '' } = token;
  if (start === '') throw bad('encoded start key empty (version meta.k8s.io/v1)');
  if (typeof start !== 'string' || !isClean(start)) throw bad(goText(start));
  return { v: 'meta.k8s.io/v1', rv: token.rv!, start: start.startsWith('/') ? start.slice(1) : start };
}

function goText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Whether a key stays below where it starts: what path.Clean would leave alone. */
function isClean(key: string): boolean {
  const parts = (key.startsWith('/') ? key.slice(1) : key).split('/');
  return parts.every((part) => part !== '' && part !== '.' && part !== '..');
}
