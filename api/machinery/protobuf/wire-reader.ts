/** The protobuf wire format, read: tags, varints and length-delimited fields. */
import { DecodeError } from '../decode-error.ts';
import type { ScalarSchema } from '../schema.ts';
import { BYTES, FIXED32, FIXED64, INT32_MAX, SHORT_STRING, VARINT } from './wire-format.ts';

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
