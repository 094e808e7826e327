/** The envelope of every Kubernetes protobuf body: magic bytes and a runtime.Unknown around the message. */
import { DecodeError } from '../decode-error.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** First bytes of every Kubernetes protobuf body. */
const PROTOBUF_MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
  readonly contentEncoding: string;
  readonly contentType: string;
}

/** `k8s\0` and a runtime.Unknown around the message. */
export function encodeEnvelope(
  type: { readonly apiVersion: string; readonly kind: string },
  raw: Uint8Array,
): Uint8Array {
  const typeMeta = new WireWriter();
  typeMeta.string(1, type.apiVersion);
  typeMeta.string(2, type.kind);
  const unknown = new WireWriter(PROTOBUF_MAGIC);
  unknown.bytes(1, typeMeta.finish());
  unknown.bytes(2, raw);
  unknown.string(3, '');
  unknown.string(4, '');
  return unknown.finish();
}

/** Takes an envelope apart. Throws {@link DecodeError} without the magic bytes or on malformed input. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length < 4 || !PROTOBUF_MAGIC.equals(bytes.subarray(0, 4))) {
    throw new DecodeError(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  }
  const envelope: { -readonly [K in keyof Envelope]: Envelope[K] } = {
    apiVersion: '',
    kind: '',
    raw: new Uint8Array(),
    contentEncoding: '',
    contentType: '',
  };
  const reader = new WireReader(bytes.subarray(4), 'Unknown');
  while (reader.next()) {
    if (reader.number === 1) {
      const typeMeta = new WireReader(reader.bytes(), 'TypeMeta');
      while (typeMeta.next()) {
        if (typeMeta.number === 1) envelope.apiVersion = typeMeta.string();
        else if (typeMeta.number === 2) envelope.kind = typeMeta.string();
        else typeMeta.skip();
      }
    } else if (reader.number === 2) envelope.raw = reader.bytes();
    else if (reader.number === 3) envelope.contentEncoding = reader.string();
    else if (reader.number === 4) envelope.contentType = reader.string();
    else reader.skip();
  }
  return envelope;
}
