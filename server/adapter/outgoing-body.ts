/** A body written to its connection without a stream in between. */
import type { Writable } from 'node:stream';
import type { BodySink, BodySource } from '../negotiation/body-source.ts';

/** Lets `source` write to `outgoing` at the pace of the connection. `failed` is told what the source throws. */
export function pour(source: BodySource, outgoing: Writable, failed: (error: unknown) => void): void {
  let isOver = false;
  const sink: BodySink = {
    write: (chunk) => outgoing.write(chunk),
    end: () => {
      isOver = true;
      outgoing.end();
    },
  };
  const attempt = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      failed(error);
      outgoing.destroy();
    }
  };
  const resume = (): void => attempt(() => source.resume());
  outgoing.on('drain', resume);
  outgoing.on('close', () => {
    if (!isOver) attempt(() => source.cancel());
  });
  source.start(sink);
  resume();
}
