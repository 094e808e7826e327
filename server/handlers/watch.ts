/** Watches of collections. Mirrors apiserver handlers/watch.go. */
import { isExpired, StatusError } from '../../api/machinery/errors.ts';
import { randomFloat, type Random } from '../../api/machinery/random.ts';
import { negotiate, JSON_TYPE } from '../negotiation/accept.ts';
import { streamOf } from '../negotiation/body-source.ts';
import { respond, respondStream } from '../negotiation/respond.ts';
import { includeObjectOf } from '../negotiation/table.ts';
import { FrameEncoder } from '../negotiation/watch-frames.ts';
import { WatchStream } from '../negotiation/watch-stream.ts';
import { parseListOptions, type ListQuery } from './options.ts';
import type { Handler } from './resource-request.ts';

/** A watch whose client names no time ends after this long, and up to twice that. */
const WATCH_TIMEOUT_MS_MIN = 30 * 60_000;

export const watch: Handler = async ({ exchange, services, context, target, scope, form }) => {
  const format = negotiate(exchange.request.headers.get('accept'), form.watchOffer);
  const include = format.transform?.kind === 'Table' ? includeObjectOf(exchange.query) : 'Metadata';
  const options = withInitialEvents(parseListOptions(exchange));
  const { clock, wall, registry, logger, requestMetrics } = services;
  const stream = new WatchStream({
    encoder: new FrameEncoder({ form, format, include, clock }),
    clock: wall,
    logger,
    timeoutMs: timeoutMsOf(options, services.random),
    allowBookmarks: options.allowWatchBookmarks === true,
    onEvents: (count) => requestMetrics.sentEvents(exchange, count),
    framed: exchange.environment.webSocket === undefined,
  });
  try {
    stream.attach(await registry.watch(context, target, scope, options, stream));
  } catch (error) {
    // A version that is gone is told in the stream, as upstream does; the rest precedes it.
    if (!isExpired(error)) throw error;
    stream.ended(error as StatusError);
  }
  stream.onEnd(requestMetrics.openWatch(exchange));
  if (exchange.environment.send === undefined) {
    endWith(exchange.signal, stream);
    endWith(exchange.environment.closing, stream);
  }
  if (exchange.environment.webSocket !== undefined) {
    exchange.environment.webSocket.accept({ body: streamOf(stream), text: format.type === JSON_TYPE });
    return respond(exchange, 200, {}, null);
  }
  const type = format.type === JSON_TYPE ? JSON_TYPE : `${format.type};stream=watch`;
  return respondStream(exchange, { 'Content-Type': type }, stream);
};

function endWith(signal: AbortSignal | undefined, stream: WatchStream): void {
  if (signal === undefined) return;
  if (signal.aborted) {
    stream.end();
    return;
  }
  const end = (): void => stream.end();
  signal.addEventListener('abort', end, { once: true });
  stream.onEnd(() => signal.removeEventListener('abort', end));
}

/** Watches from now or from anywhere begin with the state. Mirrors SetListOptionsDefaults with WatchList on. */
function withInitialEvents(options: ListQuery): ListQuery {
  const { sendInitialEvents, resourceVersionMatch = '', resourceVersion = '' } = options;
  if (sendInitialEvents !== undefined || resourceVersionMatch !== '') return options;
  if (resourceVersion !== '' && resourceVersion !== '0') return options;
  return { ...options, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' };
}

function timeoutMsOf({ timeoutSeconds }: ListQuery, random: Random): number {
  if (timeoutSeconds > 0) return timeoutSeconds * 1000;
  return WATCH_TIMEOUT_MS_MIN * (1 + randomFloat(random));
}
