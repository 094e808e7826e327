/** The body of a list, put together from stored bytes as it is read. */
import type { BodySink, BodySource } from './body-source.ts';

/** Pieces are about this long: few calls for the connection, little memory at a time. */
const CHUNK_BYTES = 256 * 1024;
const COMMA = 0x2c;

export interface ListText {
  readonly head: string;
  /** Stands before every item. */
  readonly open: string;
  readonly items: readonly Buffer[];
  readonly tail: string;
}

/** `head`, the items with commas between them, `tail`. */
export class ListBody implements BodySource {
  /** In bytes. */
  readonly length: number;
  readonly #head: Buffer;
  readonly #open: Buffer;
  readonly #items: readonly Buffer[];
  readonly #tail: Buffer;
  /** The item the next piece begins with. */
  #next = 0;
  #isOver = false;
  #sink: BodySink | undefined;

  constructor({ head, open, items, tail }: ListText) {
    this.#head = Buffer.from(head);
    this.#open = Buffer.from(open);
    this.#items = items;
    this.#tail = Buffer.from(tail);
    let length = this.#head.length + this.#tail.length + Math.max(0, items.length - 1);
    for (const item of items) length += this.#open.length + item.length;
    this.length = length;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
  }

  resume(): void {
    for (let sink = this.#sink; sink !== undefined; sink = this.#sink) {
      const hasRoom = sink.write(this.#take());
      if (this.#isOver) {
        this.#sink = undefined;
        sink.end();
      } else if (!hasRoom) return;
    }
  }

  cancel(): void {
    this.#sink = undefined;
  }

  /** It has an end of its own. */
  finish(): void {}

  /** All of it at once. */
  whole(): Buffer {
    const chunks: Buffer[] = [];
    while (!this.#isOver) chunks.push(this.#take());
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, this.length);
  }

  /** The next piece; the tail is in the last. */
  #take(): Buffer {
    const first = this.#next;
    let size = first === 0 ? this.#head.length : 0;
    while (this.#next < this.#items.length && size < CHUNK_BYTES) {
      size += this.#open.length + this.#items[this.#next]!.length + (this.#next === 0 ? 0 : 1);
      this.#next++;
    }
    this.#isOver = this.#next === this.#items.length;
    if (this.#isOver) size += this.#tail.length;
    const out = Buffer.allocUnsafeSlow(size);
    let at = first === 0 ? this.#head.copy(out) : 0;
    for (let index = first; index < this.#next; index++) {
      if (index > 0) out[at++] = COMMA;
      at += this.#open.copy(out, at);
      at += this.#items[index]!.copy(out, at);
    }
    if (this.#isOver) this.#tail.copy(out, at);
    return out;
  }
}
