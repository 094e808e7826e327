/** The body of a watch: frames as they come, until somebody has enough. */
import type { Clock, Timer } from '../../api/machinery/clock.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import type { RegistryEvent, RegistryWatch, RegistryWatchListener } from '../registry/interface.ts';
import type { BodySink, BodySource } from './body-source.ts';
import type { FrameEncoder } from './watch-frames.ts';
import { toStatusError } from './write-status.ts';

/** Bytes a watcher may leave unread, besides the events it began with, before its watch is ended. */
const WATCH_BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
/** Frames are handed to the connection in pieces of about this size. */
const CHUNK_BYTES = 256 * 1024;
const BOOKMARK_INTERVAL_MS = 60_000;
/** A last bookmark comes this long before the end. */
const BOOKMARK_BEFORE_END_MS = 2000;

export interface WatchStreamOptions {
  readonly encoder: FrameEncoder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeoutMs: number;
  readonly allowBookmarks: boolean;
  /** Told how many events were handed over. */
  readonly onEvents: (count: number) => void;
  /** False where the connection tells frames apart by itself: every chunk is one frame, without its length. */
  readonly framed: boolean;
}

/**
 * Listens to a registry watch and is read as bytes. While the reader keeps up, frames go straight to it; else they wait
 * here, and a client that lets too much pile up is cut off and resumes from what it has seen. The events a watch begins
 * with are encoded as they are read. Every end but the cut comes behind all frames that were due.
 */
export class WatchStream implements RegistryWatchListener, BodySource {
  readonly #options: WatchStreamOptions;
  #sink: BodySink | undefined;
  /** The sink has room. */
  #isReady = false;
  #isClosed = false;
  /** What the watch began with, from `#beginningNext` on not read yet. */
  #beginning: RegistryEvent[] = [];
  #beginningNext = 0;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #watch: RegistryWatch | undefined;
  #ended = false;
  #timer: Timer | undefined;
  #untilEndMs: number;
  #untilBookmarkMs: number;
  readonly #endListeners: (() => void)[] = [];

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#untilEndMs = options.timeoutMs;
    this.#untilBookmarkMs = options.allowBookmarks ? BOOKMARK_INTERVAL_MS : Infinity;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
  }

  resume(): void {
    this.#isReady = true;
    this.#flush();
  }

  cancel(): void {
    this.#isClosed = true;
    this.#discard();
  }

  finish(): void {
    this.end();
  }

  /** Takes the opened watch over, whose first events have arrived by now; it is cancelled when the stream ends. */
  attach(watch: RegistryWatch): void {
    this.#watch = watch;
    if (this.#ended) watch.cancel();
    else this.#schedule();
  }

  events(events: readonly RegistryEvent[]): void {
    if (this.#ended) return;
    this.#options.onEvents(events.length);
    if (this.#watch === undefined) {
      for (const event of events) this.#beginning.push(event);
      return;
    }
    const batches = this.#options.framed ? [events] : events.map((event) => [event]);
    for (const batch of batches) {
      const frames = this.#encode(batch);
      if (frames !== undefined && !this.#ended) this.#send(frames);
    }
  }

  ended(error: Error | undefined): void {
    if (this.#ended) return;
    if (error !== undefined) {
      const { encoder } = this.#options;
      this.#push(this.#unframed(encoder.encodeError(toStatusError(error).status)));
    }
    this.end();
  }

  /** Calls `listener` once when the stream ends, at once if it has. */
  onEnd(listener: () => void): void {
    if (this.#ended) listener();
    else this.#endListeners.push(listener);
  }

  /** Ends the stream behind what is queued. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#watch?.cancel();
    for (const listener of this.#endListeners) listener();
    this.#flush();
  }

  #send(frames: Buffer): void {
    if (this.#isReady && !this.#hasMore) {
      this.#isReady = this.#sink!.write(frames);
      return;
    }
    this.#push(frames);
    if (this.#queuedBytes <= WATCH_BACKLOG_BYTES_MAX) {
      this.#flush();
      return;
    }
    const { logger } = this.#options;
    logger.warn('watch ended: the client reads too slowly', { queuedBytes: this.#queuedBytes });
    this.#discard();
  }

  get #hasMore(): boolean {
    return this.#beginning.length > 0 || this.#queue.length > 0;
  }

  #discard(): void {
    this.#beginning = [];
    this.#queue = [];
    this.#queuedBytes = 0;
    this.end();
  }

  #push(frame: Buffer): void {
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
  }

  /** Writes as long as the sink has room. */
  #flush(): void {
    if (this.#sink === undefined || this.#isClosed) return;
    while (this.#isReady && this.#hasMore) {
      const chunk = this.#beginning.length > 0 ? this.#takeBeginning() : this.#takeQueued();
      if (chunk !== undefined) this.#isReady = this.#sink.write(chunk);
    }
    if (!this.#ended || this.#hasMore) return;
    this.#isClosed = true;
    this.#sink.end();
  }

  /** About one chunk of what the watch began with; undefined when it cannot be encoded, which ends the stream. */
  #takeBeginning(): Buffer | undefined {
    const frames: Buffer[] = [];
    let bytes = 0;
    const bytesMax = this.#options.framed ? CHUNK_BYTES : 1;
    while (bytes < bytesMax && this.#beginningNext < this.#beginning.length) {
      const frame = this.#encode([this.#beginning[this.#beginningNext++]!]);
      if (frame === undefined) return undefined;
      frames.push(frame);
      bytes += frame.length;
    }
    if (this.#beginningNext === this.#beginning.length) {
      this.#beginning = [];
      this.#beginningNext = 0;
    }
    return joined(frames, bytes);
  }

  /** As many frames as make about one chunk. */
  #takeQueued(): Buffer {
    const bytesMax = this.#options.framed ? CHUNK_BYTES : 1;
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && (count === 0 || bytes + this.#queue[count]!.length <= bytesMax)) {
      bytes += this.#queue[count]!.length;
      count++;
    }
    this.#queuedBytes -= bytes;
    return joined(this.#queue.splice(0, count), bytes);
  }

  /** A fault of ours ends this watch, but must not reach the store that is telling us. */
  #encode(events: readonly RegistryEvent[]): Buffer | undefined {
    try {
      return this.#unframed(this.#options.encoder.encode(events));
    } catch (error) {
      this.#options.logger.error('watch event could not be encoded', { error });
      this.#beginning = [];
      this.ended(error as Error);
      return undefined;
    }
  }

  #unframed(frame: Buffer): Buffer {
    const { framed, encoder } = this.#options;
    return framed ? frame : encoder.unframed(frame);
  }

  /** One timer serves the bookmarks, the last of them and the end. */
  #schedule(): void {
    const { allowBookmarks, clock } = this.#options;
    const isLastDue = allowBookmarks && this.#untilEndMs > BOOKMARK_BEFORE_END_MS;
    const untilLastMs = this.#untilEndMs - (isLastDue ? BOOKMARK_BEFORE_END_MS : 0);
    const delayMs = Math.min(untilLastMs, this.#untilBookmarkMs);
    this.#timer = clock.schedule(delayMs, () => {
      this.#untilEndMs -= delayMs;
      this.#untilBookmarkMs -= delayMs;
      if (this.#untilEndMs <= 0) {
        this.end();
        return;
      }
      if (this.#untilBookmarkMs <= 0) this.#untilBookmarkMs = BOOKMARK_INTERVAL_MS;
      this.events([{ type: 'BOOKMARK', revision: this.#watch!.revision, initialEventsEnd: false }]);
      if (!this.#ended) this.#schedule();
    });
  }
}

function joined(frames: readonly Buffer[], bytes: number): Buffer {
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames, bytes);
}
