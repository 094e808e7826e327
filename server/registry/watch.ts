/** Watches: the state at the start where it was asked for, then every change, seen through the selectors. */
import { newInvalid, newServiceUnavailable, type FieldError } from '../../api/machinery/errors.ts';
import { forbidden, notSupported } from '../../api/machinery/field-errors.ts';
import type { KeyRange, Store, StoredValue, StoreEvent } from '../../storage/interface.ts';
import type {
  RegistryEvent,
  RegistryWatch,
  RegistryWatchListener,
  ResultObject,
  WatchReadOptions,
} from './interface.ts';
import { interpretError } from './interpret-errors.ts';
import { parseResourceVersion, type PageFilter } from './list.ts';
import { encodeAt } from './stored-form.ts';

/** Throws 422 on combinations upstream forbids. Mirrors apis/meta/internalversion/validation validateWatchOptions. */
export function validateWatchOptions(options: WatchReadOptions): void {
  const { sendInitialEvents, resourceVersionMatch: match = '' } = options;
  const errors: FieldError[] = [];
  const forbid = (why: string): void => void errors.push(forbidden('resourceVersionMatch', why));
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan')
    forbid('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  if (match !== '') {
    if (sendInitialEvents === undefined)
      forbid('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    if (match !== 'NotOlderThan') errors.push(notSupported('resourceVersionMatch', match, ['NotOlderThan']));
    if ((options.continue ?? '') !== '')
      forbid('resourceVersionMatch is forbidden when continue is provided');
  }
  if (errors.length > 0) throw newInvalid('meta.k8s.io', 'ListOptions', '', errors);
}

export interface WatchRequest {
  readonly store: Store;
  readonly range: KeyRange;
  /** Undefined when every object is wanted. */
  readonly filter: PageFilter | undefined;
  readonly options: WatchReadOptions;
  readonly listener: RegistryWatchListener;
  /** Group and version `toResult` converts to; equal ones convert alike. */
  readonly version: string;
  toResult(value: StoredValue): ResultObject;
}

/** Opens the watch; the revision asked for must exist. Initial events are handed over before this returns. */
export function openWatch(request: WatchRequest): RegistryWatch {
  const { store, range, options, listener } = request;
  const requested = parseResourceVersion(options.resourceVersion);
  const withState = options.sendInitialEvents ?? requested === 0;
  const from = withState ? store.revision : requested === 0 ? store.revision : requested;
  if (withState) sendState(request, from);
  try {
    return store.watch(range, from, {
      events: (events) => {
        const visible = visibleEvents(request, events);
        if (visible.length > 0) listener.events(visible);
      },
      ended: (error) =>
        listener.ended(
          error.code === 'unavailable' ? newServiceUnavailable(error.message) : toError(error, from),
        ),
    });
  } catch (error) {
    throw toError(error, from);
  }
}

function toError(error: unknown, requested: number): Error {
  return interpretError(error, { group: '', resource: '' }, '', requested) as Error;
}

function sendState(
  { store, range, filter, options, listener, toResult }: WatchRequest,
  revision: number,
): void {
  const events: RegistryEvent[] = [];
  for (const value of filter?.find(range) ?? store.list(range).entries) {
    if (filter === undefined || filter.isWanted(value))
      events.push({ type: 'ADDED', result: toResult(value) });
  }
  if (options.allowWatchBookmarks === true && options.sendInitialEvents === true) {
    events.push({ type: 'BOOKMARK', revision, initialEventsEnd: true });
  }
  if (events.length > 0) listener.events(events);
}

/**
 * Watchers without a selector see the same: what the batch that is being handed out looks like to them, by the version they
 * speak. All of them get it before the next one.
 */
let batchAtHand: readonly StoreEvent[] | undefined;
const visibleAtHand = new Map<string, readonly RegistryEvent[]>();

function visibleEvents(request: WatchRequest, events: readonly StoreEvent[]): readonly RegistryEvent[] {
  if (request.filter !== undefined) return events.flatMap((event) => eventFor(request, event) ?? []);
  if (batchAtHand !== events) {
    batchAtHand = events;
    visibleAtHand.clear();
  }
  let batch = visibleAtHand.get(request.version);
  if (batch === undefined) {
    batch = events.flatMap((event) => eventFor(request, event) ?? []);
    visibleAtHand.set(request.version, batch);
  }
  return batch;
}

/** What the watcher sees of a change: entering the selection is ADDED, leaving it DELETED. */
function eventFor({ filter, toResult }: WatchRequest, event: StoreEvent): RegistryEvent | undefined {
  if (filter === undefined) {
    const type = event.type === 'created' ? 'ADDED' : event.type === 'updated' ? 'MODIFIED' : 'DELETED';
    return { type, result: toResult(event.value) };
  }
  const was = event.previous !== undefined && filter.isWanted(event.previous);
  const is = event.type !== 'deleted' && filter.isWanted(event.value);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', result: toResult(event.value) };
  if (!was) return undefined;
  return { type: 'DELETED', result: toResult(event.type === 'deleted' ? event.value : departed(event)) };
}

const departedValues = new WeakMap<StoredValue, StoredValue>();

/** The state before the change, carrying the change's revision; made once for all watchers. */
function departed({ previous, revision }: StoreEvent): StoredValue {
  let value = departedValues.get(previous!);
  if (value?.revision !== revision) {
    value = { ...previous!, ...encodeAt(previous!, revision), revision };
    departedValues.set(previous!, value);
  }
  return value;
}
