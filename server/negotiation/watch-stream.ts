/** The body of a watch: frames as they come, until somebody has enough. */
import type { Clock, Timer } from '../../api/machinery/clock.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import type { RegistryEvent, RegistryWatch, RegistryWatchListener } from '../registry/interface.ts';
import type { FrameEncoder } from './watch-frames.ts';
import { toStatusError } from './write-status.ts';

/** Bytes a watcher may leave unread, besides its initial state, before its watch is ended. */
export const WATCH_BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
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
 * Listens to a registry watch and is read as bytes. Frames wait in a queue of their own until the connection takes them;
 * a client that lets too much pile up is cut off and resumes from what it has seen. Every end but that one comes behind
 * all frames that were due.
 */
export class WatchStream implements RegistryWatchListener {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: WatchStreamOptions;
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** What may be queued: grows by the initial state, which is not held against the watcher. */
  #queuedBytesMax = WATCH_BACKLOG_BYTES_MAX;
  #watch: RegistryWatch | undefined;
  #ended = false;
  #timers: Timer[] = [];
  #bookmarkTimer: Timer | undefined;
  readonly #endListeners: (() => void)[] = [];
  #wake: (() => void) | undefined;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.body = new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.#discard() },
      { highWaterMark: 0 },
    );
  }

  /** Takes the opened watch over, whose initial state has arrived by now; it is cancelled when the stream ends. */
  attach(watch: RegistryWatch): void {
    this.#watch = watch;
    this.#queuedBytesMax += this.#queuedBytes;
    if (this.#ended) {
      watch.cancel();
      return;
    }
    const { clock, timeoutMs, allowBookmarks } = this.#options;
    this.#timers.push(clock.schedule(timeoutMs, () => this.end()));
    if (!allowBookmarks) return;
    if (timeoutMs > BOOKMARK_BEFORE_END_MS) {
      this.#timers.push(clock.schedule(timeoutMs - BOOKMARK_BEFORE_END_MS, () => this.#sendBookmark()));
    }
    this.#scheduleBookmark();
  }

  events(events: readonly RegistryEvent[]): void {
    if (this.#ended) return;
    try {
      for (const event of events) this.#push(this.#options.encoder.encode(event));
      this.#options.onEvents(events.length);
    } catch (error) {
      // A fault of ours must not reach the store that is telling us.
      this.#options.logger.error('watch event could not be encoded', { error });
      this.ended(error as Error);
      return;
    }
    if (this.#watch !== undefined && this.#queuedBytes > this.#queuedBytesMax) {
      this.#options.logger.warn('watch ended: the client reads too slowly', {
        queuedBytes: this.#queuedBytes,
      });
      this.#discard();
      return;
    }
    this.#wake?.();
  }

  ended(error: Error | undefined): void {
    if (this.#ended) return;
    if (error !== undefined) this.#push(this.#options.encoder.encodeError(toStatusError(error).status));
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
    for (const timer of this.#timers) timer.cancel();
    this.#bookmarkTimer?.cancel();
    this.#watch?.cancel();
    for (const listener of this.#endListeners) listener();
    this.#wake?.();
  }

  #discard(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.end();
  }

  #push(frame: Buffer): void {
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (this.#queue.length === 0) {
      if (this.#ended) {
        controller.close();
        return;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
    controller.enqueue(this.#takeChunk());
    // Nobody need ask again to learn that this was all.
    if (this.#ended && this.#queue.length === 0) controller.close();
  }

  /** As many frames as make about one chunk. */
  #takeChunk(): Buffer {
    if (!this.#options.framed) return this.#takeFrame();
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && (count === 0 || bytes + this.#queue[count]!.length <= CHUNK_BYTES)) {
      bytes += this.#queue[count]!.length;
      count++;
    }
    const frames = this.#queue.splice(0, count);
    this.#queuedBytes -= bytes;
    if (this.#queuedBytes === 0) this.#queuedBytesMax = WATCH_BACKLOG_BYTES_MAX;
    return frames.length === 1 ? frames[0]! : Buffer.concat(frames, bytes);
  }

  #takeFrame(): Buffer {
    const frame = this.#queue.shift()!;
    this.#queuedBytes -= frame.length;
    if (this.#queuedBytes === 0) this.#queuedBytesMax = WATCH_BACKLOG_BYTES_MAX;
    return this.#options.encoder.unframed(frame);
  }

  #scheduleBookmark(): void {
    this.#bookmarkTimer = this.#options.clock.schedule(BOOKMARK_INTERVAL_MS, () => {
      this.#sendBookmark();
      if (!this.#ended) this.#scheduleBookmark();
    });
  }

  #sendBookmark(): void {
    if (this.#ended || this.#watch === undefined) return;
    this.events([{ type: 'BOOKMARK', revision: this.#watch.revision, initialEventsEnd: false }]);
  }
}
