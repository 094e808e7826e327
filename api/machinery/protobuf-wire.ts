/** The protobuf wire format: tags, varints and length-delimited fields. */
import { DecodeError } from './codec.ts';
import type { ScalarSchema } from './schema.ts';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Writes fields into a growing buffer. */
export class WireWriter {
  #buffer: Buffer;
  #length = 0;

  /** `prefix` is put before everything. */
  constructor(prefix?: Uint8Array) {
    this.#buffer = Buffer.allocUnsafe(256);
    if (prefix !== undefined) this.#append(prefix);
  }

  /** The bytes written; the writer is done with then. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  varint(number: number, value: number | bigint): void {
    this.#tag(number, VARINT);
    this.#varint(value);
  }

  double(number: number, value: number): void {
    this.#tag(number, FIXED64);
    this.#reserve(8);
    this.#buffer.writeDoubleLE(value, this.#length);
    this.#length += 8;
  }

  string(number: number, value: string): void {
    this.#tag(number, BYTES);
    const length = Buffer.byteLength(value);
    this.#varint(length);
    this.#reserve(length);
    this.#buffer.write(value, this.#length, 'utf8');
    this.#length += length;
  }

  bytes(number: number, value: Uint8Array): void {
    this.#tag(number, BYTES);
    this.#varint(value.length);
    this.#append(value);
  }

  /** A nested message, written by `write`. */
  message(number: number, write: (nested: WireWriter) => void): void {
    const nested = new WireWriter();
    write(nested);
    this.bytes(number, nested.finish());
  }

  #tag(number: number, wire: number): void {
    this.#varint((number << 3) | wire);
  }

  #varint(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === 'number' && value >= 0 && value < 0x80) {
      this.#buffer[this.#length++] = value;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Messages nested deeper than this are refused; no Kubernetes type comes near. */
const DEPTH_MAX = 10_000;

/** Reads the fields of one message: `next()`, then one of the readers or `skip()`. */
export class WireReader {
  /** Number of the current field. */
  number = 0;
  readonly #bytes: Buffer;
  readonly #message: string;
  readonly #depth: number;
  #wire = 0;
  #at = 0;

  constructor(bytes: Uint8Array, message: string, depth = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#message = message;
    this.#depth = depth;
    if (depth > DEPTH_MAX) throw new DecodeError('proto: exceeded max depth');
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (!this.hasMore) return false;
    const tag = this.#varint();
    this.number = Number(tag >> 3n);
    this.#wire = Number(tag & 7n);
    if (this.#wire === 4) throw new DecodeError(`proto: ${this.#message}: wiretype end group for non-group`);
    if (this.number <= 0 || this.number > 0x1fffffff) {
      throw new DecodeError(`proto: ${this.#message}: illegal tag ${this.number} (wire type ${tag})`);
    }
    return true;
  }

  scalar(type: ScalarSchema['type']): unknown {
    switch (type) {
      case 'string':
        return this.string();
      case 'bytes':
        return Buffer.from(this.bytes()).toString('base64');
      case 'double':
        this.#expect(FIXED64);
        return this.#double();
      default:
        this.#expect(VARINT);
        return convert(type, this.#varint());
    }
  }

  /** True when the current field is a packed list of this scalar. */
  isPackedFor(type: ScalarSchema['type']): boolean {
    return this.#wire === BYTES && type !== 'string' && type !== 'bytes';
  }

  /** The next value of a packed list. */
  packedScalar(type: ScalarSchema['type']): unknown {
    return type === 'double' ? this.#double() : convert(type, this.#varint());
  }

  string(): string {
    const bytes = this.bytes();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  }

  bytes(): Uint8Array {
    this.#expect(BYTES);
    return this.#take(this.#varint());
  }

  nested(): WireReader {
    return new WireReader(this.bytes(), this.#message, this.#depth + 1);
  }

  skip(): void {
    if (this.#wire === VARINT) this.#varint();
    else if (this.#wire === FIXED64) this.#take(8n);
    else if (this.#wire === FIXED32) this.#take(4n);
    else if (this.#wire === BYTES) this.#take(this.#varint());
    else throw new DecodeError(`proto: illegal wireType ${this.#wire}`);
  }

  #expect(wire: number): void {
    if (this.#wire !== wire)
      throw new DecodeError(`proto: wrong wireType = ${this.#wire} for field ${this.number}`);
  }

  #double(): number {
    const bytes = this.#take(8n);
    return Buffer.from(bytes.buffer, bytes.byteOffset, 8).readDoubleLE(0);
  }

  #take(length: bigint): Uint8Array {
    if (length > BigInt(this.#bytes.length - this.#at)) throw new DecodeError('unexpected EOF');
    const start = this.#at;
    this.#at += Number(length);
    return this.#bytes.subarray(start, this.#at);
  }

  #varint(): bigint {
    let value = 0;
    // Most varints are short; plain numbers are exact up to here.
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt(value);
    }
    let large = BigInt(value);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      large |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, large);
    }
    throw new DecodeError('proto: integer overflow');
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new DecodeError('unexpected EOF');
    return byte;
  }
}

function convert(type: ScalarSchema['type'], raw: bigint): unknown {
  if (type === 'bool') return raw !== 0n;
  const value =
    type === 'int32'
      ? BigInt.asIntN(32, raw)
      : type === 'int64'
        ? BigInt.asIntN(64, raw)
        : type === 'uint32'
          ? BigInt.asUintN(32, raw)
          : raw;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
