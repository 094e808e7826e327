/** Watches as streams of frames. */
import type { ResourceDefinition, TableDefinition } from '../../../api/definition.ts';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import type { Clock, Timer } from '../../../api/machinery/clock.ts';
import { canonicalize, encodeObject } from '../../../api/machinery/codec.ts';
import { isStatusError, newInternalError, type Status } from '../../../api/machinery/errors.ts';
import { formatGroupVersion } from '../../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { encodeEnvelope, encodeProtobuf } from '../../../api/machinery/protobuf.ts';
import type { StructSchema } from '../../../api/machinery/schema.ts';
import type { RegistryEvent, RegistryWatch, RegistryWatchListener, ResultObject } from '../../registry/interface.ts';
import type { Negotiated } from './accept.ts';
import { newTable, partialMetadata, tableOf, tableRow, type IncludeObject } from './transforms.ts';

/** Events a watcher may be behind before it is ended, beyond what it was sent as its initial state. */
export const WATCH_BACKLOG_MAX = 10_000;
const BOOKMARK_INTERVAL_MS = 60_000;
/** A last bookmark comes this long before the watch times out. */
const BOOKMARK_BEFORE_END_MS = 2000;

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

export interface WatchStreamOptions {
  readonly definition: ResourceDefinition;
  readonly version: string;
  readonly schema: StructSchema;
  readonly negotiated: Negotiated;
  readonly includeObject: IncludeObject;
  readonly allowBookmarks: boolean;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type Frame = { readonly type: RegistryEvent['type'] | 'ERROR'; readonly object: object; readonly result?: ResultObject };

/** A body that carries the events of a registry watch until it ends, is cancelled or times out. */
export class WatchStream implements RegistryWatchListener {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: WatchStreamOptions;
  readonly #encoder: FrameEncoder;
  #queue: RegistryEvent[] = [];
  #error: Status | undefined;
  #allowance = WATCH_BACKLOG_MAX;
  #watch: RegistryWatch | undefined;
  #done = false;
  #timers: Timer[] = [];
  #wake: (() => void) | undefined;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#encoder = new FrameEncoder(options);
    this.body = new ReadableStream<Uint8Array>({ pull: (controller) => this.#pull(controller), cancel: () => this.end() }, { highWaterMark: 0 });
    options.signal.addEventListener('abort', () => this.end(), { once: true });
  }

  /** Takes the opened watch over; it is cancelled when the stream ends. */
  attach(watch: RegistryWatch): void {
    this.#watch = watch;
    // The initial state is not held against the watcher.
    this.#allowance = this.#queue.length + WATCH_BACKLOG_MAX;
    if (this.#done) watch.cancel();
    else this.#startTimers();
  }

  events(events: readonly RegistryEvent[]): void {
    if (this.#done) return;
    for (const event of events) this.#queue.push(event);
    if (this.#watch !== undefined && this.#queue.length > this.#allowance) {
      // Too slow: it finds out by the end of the stream, and resumes from what it has seen.
      this.#queue = [];
      this.end();
      return;
    }
    this.#wake?.();
  }

  ended(error: Error | undefined): void {
    if (error !== undefined) this.#error = (isStatusError(error) ? error : newInternalError(error)).status;
    this.end();
  }

  /** Ends the stream behind what is queued. */
  end(): void {
    if (this.#done) return;
    this.#done = true;
    for (const timer of this.#timers) timer.cancel();
    this.#watch?.cancel();
    this.#wake?.();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (this.#queue.length === 0 && !this.#done) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#wake = undefined;
    const events = this.#queue;
    this.#queue = [];
    this.#allowance = WATCH_BACKLOG_MAX;
    if (events.length > 0) controller.enqueue(Buffer.concat(events.map((event) => this.#encoder.encode(event))));
    if (!this.#done || this.#queue.length > 0) return;
    if (this.#error !== undefined) controller.enqueue(this.#encoder.encodeError(this.#error));
    controller.close();
  }

  #startTimers(): void {
    const { clock, timeoutMs, allowBookmarks } = this.#options;
    this.#timers.push(clock.schedule(timeoutMs, () => this.end()));
    if (!allowBookmarks) return;
    if (timeoutMs > BOOKMARK_BEFORE_END_MS) this.#timers.push(clock.schedule(timeoutMs - BOOKMARK_BEFORE_END_MS, () => this.#bookmark()));
    const repeat = (): void => {
      this.#timers.push(
        clock.schedule(BOOKMARK_INTERVAL_MS, () => {
          this.#bookmark();
          if (!this.#done) repeat();
        }),
      );
    };
    repeat();
  }

  #bookmark(): void {
    if (this.#done || this.#watch === undefined) return;
    this.events([{ type: 'BOOKMARK', revision: this.#watch.revision, initialEventsEnd: false }]);
  }
}

/** Frames of one watch; those that look the same for every watcher are encoded once. */
class FrameEncoder {
  readonly #options: WatchStreamOptions;
  readonly #table: TableDefinition;
  #isFirstTable = true;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#table = tableOf(options.definition);
  }

  encode(event: RegistryEvent): Uint8Array {
    if (event.type === 'BOOKMARK') return this.#frame({ type: 'BOOKMARK', object: this.#transform(this.#bookmarkObject(event)) });
    const { transform, mediaType } = this.#options.negotiated;
    if (transform === 'Table') return this.#frame({ type: event.type, object: this.#transform(event.result.object) });
    return shared(event.result, `${event.type}/${mediaType}/${transform ?? ''}`, () =>
      this.#frame({ type: event.type, object: this.#transform(event.result.object), result: transform === undefined ? event.result : undefined }),
    );
  }

  encodeError(status: Status): Uint8Array {
    return this.#frame({ type: 'ERROR', object: status });
  }

  #bookmarkObject({ revision, initialEventsEnd }: Extract<RegistryEvent, { type: 'BOOKMARK' }>): UnknownObject {
    const { definition, version, schema } = this.#options;
    const metadata = { resourceVersion: String(revision), ...(initialEventsEnd ? { annotations: { [INITIAL_EVENTS_END]: 'true' } } : {}) };
    return canonicalize(schema, { kind: definition.names.kind, apiVersion: formatGroupVersion(definition.group, version), metadata });
  }

  #transform(object: UnknownObject): object {
    const { negotiated, includeObject, clock } = this.#options;
    if (negotiated.transform === undefined) return object;
    if (negotiated.transform !== 'Table') return partialMetadata(object);
    const table = newTable(this.#table, { resourceVersion: object.metadata.resourceVersion }, [tableRow(this.#table, object, includeObject, clock.now())]);
    // Columns are told once.
    if (!this.#isFirstTable) table.columnDefinitions = [];
    this.#isFirstTable = false;
    return table;
  }

  #frame(frame: Frame): Uint8Array {
    return this.#options.negotiated.mediaType === 'protobuf' ? this.#protobufFrame(frame) : jsonFrame(frame);
  }

  /** A length of four bytes and a WatchEvent whose object is an envelope of its own. */
  #protobufFrame({ type, object }: Frame): Uint8Array {
    const { kind = '', apiVersion = '' } = object as UnknownObject;
    const schema = kind === 'Status' ? builtInSchema(META + 'Status') : kind === 'PartialObjectMetadata' ? builtInSchema(META + 'PartialObjectMetadata') : this.#options.schema;
    const inner = encodeEnvelope({ apiVersion, kind }, encodeProtobuf(schema, object));
    const event = watchEvent(type, inner);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(event.length);
    return Buffer.concat([length, event]);
  }
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/** WatchEvent{type = 1, object = 2 RawExtension{raw = 1}} in its envelope. */
function watchEvent(type: string, object: Uint8Array): Uint8Array {
  const raw = lengthDelimited(1, object);
  const message = Buffer.concat([lengthDelimited(1, Buffer.from(type)), lengthDelimited(2, raw)]);
  return message;
}

function lengthDelimited(number: number, bytes: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  while (rest > 0x7f) {
    length.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length, rest]), bytes]);
}

function jsonFrame({ type, object, result }: Frame): Uint8Array {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), result?.bytes ?? encodeObject(object), Buffer.from('}\n')]);
}

const sharedFrames = new WeakMap<ResultObject, Map<string, Uint8Array>>();

function shared(result: ResultObject, key: string, encode: () => Uint8Array): Uint8Array {
  let frames = sharedFrames.get(result);
  if (frames === undefined) sharedFrames.set(result, (frames = new Map()));
  let frame = frames.get(key);
  if (frame === undefined) frames.set(key, (frame = encode()));
  return frame;
}
