/** The protobuf wire format, written: tags, varints and length-delimited fields. */
import { BYTES, FIXED64, PLAIN_MAX, SHORT_STRING, VARINT } from './wire-format.ts';

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
