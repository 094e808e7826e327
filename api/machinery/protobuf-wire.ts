/** The protobuf wire format: tags, varints and length-delimited fields. */
import { DecodeError } from './codec.ts';
import type { ScalarSchema } from './schema.ts';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Strings up to this long are copied character by character: quicker than a call out of JavaScript. */
const SHORT_STRING = 32;
const INT32_MAX = 0x7fff_ffff;
/** Largest value a varint is made of or read into as a plain number, without BigInt. */
const PLAIN_MAX = Number.MAX_SAFE_INTEGER;

const SCRATCH_BYTES = 64 * 1024;
/** What the next writer writes into, so that most messages take no more memory than they are long. */
let scratch: Buffer | undefined;

/** Writes fields into a growing buffer. */
export class WireWriter {
  #buffer: Buffer;
  #length = 0;

  /** `prefix` is put before everything. */
  constructor(prefix?: Uint8Array) {
    this.#buffer = scratch ?? Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    scratch = undefined;
    if (prefix !== undefined) this.#append(prefix);
  }

  /** The bytes written; the writer is done with then. */
  finish(): Uint8Array {
    const written = this.#buffer.subarray(0, this.#length);
    if (this.#buffer.length > SCRATCH_BYTES) return written;
    scratch = this.#buffer;
    return Buffer.from(written);
  }

  varint(number: number, value: number | bigint): void {
    this.#tag(number, VARINT);
    if (typeof value === 'number' && value >= 0 && value <= PLAIN_MAX) this.#plainVarint(value);
    else this.#largeVarint(value);
  }

  double(number: number, value: number): void {
    this.#tag(number, FIXED64);
    this.#reserve(8);
    this.#buffer.writeDoubleLE(value, this.#length);
    this.#length += 8;
  }

  string(number: number, value: string): void {
    this.#tag(number, BYTES);
    if (value.length <= SHORT_STRING && this.#shortString(value)) return;
    const length = Buffer.byteLength(value);
    this.#plainVarint(length);
    this.#reserve(length);
    this.#buffer.write(value, this.#length, 'utf8');
    this.#length += length;
  }

  bytes(number: number, value: Uint8Array): void {
    this.#tag(number, BYTES);
    this.#plainVarint(value.length);
    this.#append(value);
  }

  /** A nested message, written by `write`. */
  message(number: number, write: (nested: WireWriter) => void): void {
    const start = this.begin(number);
    write(this);
    this.end(start);
  }

  /** Begins a nested message: what is written until `end` is called with the result belongs to it. */
  begin(number: number): number {
    this.#tag(number, BYTES);
    // One byte for the length, which is what most messages need.
    this.#reserve(1);
    return ++this.#length;
  }

  /** Ends the nested message that `begin` answered `start` for. */
  end(start: number): void {
    const size = this.#length - start;
    if (size < 0x80) {
      this.#buffer[start - 1] = size;
      return;
    }
    let more = 1;
    for (let rest = size; rest >= 0x4000; rest /= 0x80) more++;
    this.#reserve(more);
    this.#buffer.copyWithin(start + more, start, this.#length);
    this.#length = start - 1;
    this.#plainVarint(size);
    this.#length += size;
  }

  #tag(number: number, wire: number): void {
    const tag = (number << 3) | wire;
    this.#reserve(5);
    if (tag < 0x80) this.#buffer[this.#length++] = tag;
    else this.#plainVarint(tag);
  }

  /** False when it is not ASCII; nothing is written then. */
  #shortString(value: string): boolean {
    const size = value.length;
    this.#reserve(size + 1);
    const buffer = this.#buffer;
    let at = this.#length;
    buffer[at++] = size;
    for (let index = 0; index < size; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) return false;
      buffer[at++] = code;
    }
    this.#length = at;
    return true;
  }

  #plainVarint(value: number): void {
    this.#reserve(10);
    const buffer = this.#buffer;
    let rest = value;
    while (rest >= 0x80) {
      buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    buffer[this.#length++] = rest;
  }

  #largeVarint(value: number | bigint): void {
    this.#reserve(10);
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
  readonly #end: number;
  #wire = 0;
  #at: number;

  /** Of the message that `bytes` are; with bounds, of the one between them. */
  constructor(bytes: Uint8Array, message: string, depth = 0, start = 0, end = bytes.length) {
    this.#bytes =
      bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#message = message;
    this.#depth = depth;
    this.#at = start;
    this.#end = end;
    if (depth > DEPTH_MAX) throw new DecodeError('proto: exceeded max depth');
  }

  get hasMore(): boolean {
    return this.#at < this.#end;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint();
    if (typeof tag === 'number' && tag <= INT32_MAX) {
      this.number = tag >>> 3;
      this.#wire = tag & 7;
    } else {
      this.number = Number(BigInt(tag) >> 3n);
      this.#wire = Number(BigInt(tag) & 7n);
    }
    const { number } = this;
    if (this.#wire === 4) throw new DecodeError(`proto: ${this.#message}: wiretype end group for non-group`);
    if (number <= 0 || number > 0x1fffffff) {
      throw new DecodeError(`proto: ${this.#message}: illegal tag ${number} (wire type ${tag})`);
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
    this.#expect(BYTES);
    const end = this.#endOfField(this.#varint());
    const start = this.#at;
    this.#at = end;
    if (end - start > SHORT_STRING) return this.#bytes.toString('utf8', start, end);
    let text = '';
    for (let at = start; at < end; at++) {
      const byte = this.#bytes[at]!;
      if (byte >= 0x80) return this.#bytes.toString('utf8', start, end);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  bytes(): Uint8Array {
    this.#expect(BYTES);
    return this.#take(this.#varint());
  }

  nested(): WireReader {
    this.#expect(BYTES);
    const end = this.#endOfField(this.#varint());
    const start = this.#at;
    this.#at = end;
    return new WireReader(this.#bytes, this.#message, this.#depth + 1, start, end);
  }

  skip(): void {
    if (this.#wire === VARINT) this.#varint();
    else if (this.#wire === FIXED64) this.#take(8);
    else if (this.#wire === FIXED32) this.#take(4);
    else if (this.#wire === BYTES) this.#take(this.#varint());
    else throw new DecodeError(`proto: illegal wireType ${this.#wire}`);
  }

  #expect(wire: number): void {
    if (this.#wire !== wire)
      throw new DecodeError(`proto: wrong wireType = ${this.#wire} for field ${this.number}`);
  }

  #double(): number {
    const bytes = this.#take(8);
    return Buffer.from(bytes.buffer, bytes.byteOffset, 8).readDoubleLE(0);
  }

  #endOfField(length: number | bigint): number {
    if (length > this.#end - this.#at) throw new DecodeError('unexpected EOF');
    return this.#at + Number(length);
  }

  #take(length: number | bigint): Uint8Array {
    const end = this.#endOfField(length);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** A plain number where that is exact. */
  #varint(): number | bigint {
    const first = this.#bytes[this.#at]!;
    if (first < 0x80 && this.#at < this.#end) {
      this.#at++;
      return first;
    }
    let value = 0;
    for (let scale = 1; scale <= 0x400_0000_0000; scale *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    let large = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      large |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, large);
    }
    throw new DecodeError('proto: integer overflow');
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new DecodeError('unexpected EOF');
    return this.#bytes[this.#at++]!;
  }
}

function convert(type: ScalarSchema['type'], raw: number | bigint): unknown {
  if (type === 'bool') return raw !== 0 && raw !== 0n;
  // What is plain is not negative; it needs no more than to fit.
  if (typeof raw === 'number' && (raw <= INT32_MAX || type === 'int64' || type === 'uint64')) return raw;
  const large = BigInt(raw);
  const value =
    type === 'int32'
      ? BigInt.asIntN(32, large)
      : type === 'int64'
        ? BigInt.asIntN(64, large)
        : type === 'uint32'
          ? BigInt.asUintN(32, large)
          : large;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
