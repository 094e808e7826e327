/** Bodies that come piece by piece, at the pace of whoever reads. */
import { constants, createGzip } from 'node:zlib';

/** Takes the bytes of a body. */
export interface BodySink {
  /** Takes the chunk in any case; false asks to hold back until `resume`. */
  write(chunk: Uint8Array): boolean;
  end(): void;
}

export interface BodySource {
  /** Called once; nothing is written before the first `resume`. */
  start(sink: BodySink): void;
  /** The sink has room. Called again whenever it has room anew. */
  resume(): void;
  /** Nobody reads any more. */
  cancel(): void;
  /** The server is closing: a body without an end of its own ends behind what is due. */
  finish(): void;
}

/** A source as the body of a Response. Each read asks for one chunk. */
export function streamOf(source: BodySource): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) =>
        source.start({
          write: (chunk) => {
            controller.enqueue(chunk);
            return (controller.desiredSize ?? 0) > 0;
          },
          end: () => controller.close(),
        }),
      pull: () => source.resume(),
      cancel: () => source.cancel(),
    },
    { highWaterMark: 0 },
  );
}

/** A source whose bytes are compressed on their way. */
export function gzipped(source: BodySource): BodySource {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  gzip.pause();
  gzip.on('drain', () => source.resume());
  let isStarted = false;
  return {
    start: (sink) => {
      gzip.on('data', (chunk: Buffer) => {
        if (!sink.write(chunk)) gzip.pause();
      });
      gzip.on('end', () => sink.end());
      gzip.pause();
      source.start({ write: (chunk) => gzip.write(chunk), end: () => gzip.end() });
    },
    resume: () => {
      gzip.resume();
      if (isStarted) return;
      isStarted = true;
      source.resume();
    },
    cancel: () => {
      source.cancel();
      gzip.destroy();
    },
    finish: () => source.finish(),
  };
}
