/** Frames of watches. What looks the same for every watcher is encoded once and shared. */
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import { canonicalize, encodeObject } from '../../api/machinery/codec.ts';
import type { Status } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { encodeEnvelope } from '../../api/machinery/protobuf/envelope.ts';
import { encodeProtobuf } from '../../api/machinery/protobuf/encode.ts';
import { WireWriter } from '../../api/machinery/protobuf/wire-writer.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';
import type { RegistryEvent, ResultObject } from '../registry/interface.ts';
import { PROTOBUF_TYPE, type OutputFormat } from './accept.ts';
import type { ObjectForm } from './form.ts';
import { formatTable, partialMetadata, type IncludeObject, type TableRequest } from './table.ts';
import { PARTIAL_METADATA_TYPE } from './write-object.ts';
import { canonicalStatus, STATUS_TYPE } from './write-status.ts';

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';
const FRAME_END = Buffer.from('}\n');
const LENGTH_BYTES = 4;

type EventType = RegistryEvent['type'] | 'ERROR';

export interface FrameOptions {
  readonly form: ObjectForm;
  readonly format: OutputFormat;
  readonly include: IncludeObject;
  readonly clock: Clock;
}

/** Frames by what they encode, an object or a batch, and by the watches' key. */
const sharedFrames = new WeakMap<object, Map<string, Buffer>>();

/** Encodes the events of one watch. */
export class FrameEncoder {
  readonly #options: FrameOptions;
  /** Frames with equal keys are equal. */
  readonly #key: string;
  #columnsSent = false;

  constructor(options: FrameOptions) {
    this.#options = options;
    const { type, transform } = options.format;
    this.#key = `${type} ${transform?.kind ?? ''} ${transform?.version ?? ''} ${options.form.apiVersion}`;
  }

  /** The frames of a batch, one behind the other. Watches that are told of one batch share it. */
  encode(events: readonly RegistryEvent[]): Buffer {
    if (this.#isShared && events.length > 1) {
      return shared(events, this.#key, () => Buffer.concat(events.map((event) => this.#frame(event))));
    }
    return events.length === 1
      ? this.#frame(events[0]!)
      : Buffer.concat(events.map((event) => this.#frame(event)));
  }

  /** Ages in tables differ from one moment to the next. */
  get #isShared(): boolean {
    return this.#options.format.transform?.kind !== 'Table';
  }

  #frame(event: RegistryEvent): Buffer {
    if (event.type === 'BOOKMARK') return this.#bookmark(event);
    const { type, result } = event;
    if (!this.#isShared) return this.#encode(type, result);
    return shared(result, `${type} ${this.#key}`, () => this.#encode(type, result));
  }

  /** A frame without what sets it apart from the next. */
  unframed(frame: Buffer): Buffer {
    return this.#options.format.type === PROTOBUF_TYPE ? frame.subarray(LENGTH_BYTES) : frame;
  }

  encodeError(status: Status): Buffer {
    const canonical = canonicalStatus(status) as unknown as UnknownObject;
    if (this.#options.format.type === PROTOBUF_TYPE) {
      return binaryFrame('ERROR', envelope(builtInSchema(STATUS_TYPE), canonical));
    }
    return textFrame('ERROR', encodeObject(canonical));
  }

  /** A bookmark is an object of the kind with nothing but its resourceVersion. */
  #bookmark({ revision, initialEventsEnd }: Extract<RegistryEvent, { type: 'BOOKMARK' }>): Buffer {
    const { kind, apiVersion, schema } = this.#options.form;
    const annotations = initialEventsEnd ? { annotations: { [INITIAL_EVENTS_END]: 'true' } } : {};
    const object = canonicalize(schema, {
      kind,
      apiVersion,
      metadata: { resourceVersion: String(revision), ...annotations },
    });
    return this.#encode('BOOKMARK', { object, bytes: encodeObject(object) });
  }

  #encode(type: EventType, item: Pick<ResultObject, 'object' | 'bytes'>): Buffer {
    const { form, format } = this.#options;
    const { transform } = format;
    if (transform?.kind === 'Table') return textFrame(type, Buffer.from(this.#table(type, item)));
    const isBinary = format.type === PROTOBUF_TYPE;
    if (transform !== undefined) {
      const partial = partialMetadata(item.object, transform.version);
      return isBinary
        ? binaryFrame(type, envelope(builtInSchema(PARTIAL_METADATA_TYPE), partial))
        : textFrame(type, encodeObject(partial));
    }
    return isBinary ? binaryFrame(type, envelope(form.schema, item.object)) : textFrame(type, item.bytes);
  }

  /** A table of one row; only the first of a watch names the columns. */
  #table(type: EventType, item: Pick<ResultObject, 'object' | 'bytes'>): string {
    const { form, format, include, clock } = this.#options;
    const definition = form.table!;
    const request: TableRequest = {
      // Bookmarks have nothing to show, and printers expect whole objects.
      definition:
        type === 'BOOKMARK'
          ? { ...definition, cells: () => definition.columns.map(() => ''), conditions: undefined }
          : definition,
      version: format.transform!.version,
      include,
      context: { nowMs: clock.now() },
      withColumns: !this.#columnsSent,
    };
    this.#columnsSent = true;
    return formatTable(request, { resourceVersion: item.object.metadata.resourceVersion }, [item]);
  }
}

function shared(what: object, key: string, encode: () => Buffer): Buffer {
  let frames = sharedFrames.get(what);
  if (frames === undefined) sharedFrames.set(what, (frames = new Map()));
  let frame = frames.get(key);
  if (frame === undefined) frames.set(key, (frame = encode()));
  return frame;
}

function envelope(schema: StructSchema, object: UnknownObject): Uint8Array {
  const { kind = '', apiVersion = '' } = object;
  return encodeEnvelope({ kind, apiVersion }, encodeProtobuf(schema, object));
}

function textFrame(type: EventType, object: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, FRAME_END]);
}

/** Four bytes of length, then a bare WatchEvent (type = 1, object = 2) whose RawExtension (raw = 1) is an envelope. */
function binaryFrame(type: EventType, object: Uint8Array): Buffer {
  const writer = new WireWriter(Buffer.alloc(LENGTH_BYTES));
  writer.string(1, type);
  writer.message(2, (extension) => extension.bytes(1, object));
  const frame = Buffer.from(writer.finish());
  frame.writeUInt32BE(frame.length - LENGTH_BYTES);
  return frame;
}
