/** What kubemu offers beyond Kubernetes, below `/_kubemu/`; see docs/reference/control.md. */
import { formatMicroTime } from '../../api/machinery/clock.ts';
import { newBadRequest, StatusError, type StatusCause } from '../../api/machinery/errors.ts';
import type { Exchange } from '../exchange.ts';
import { parseDurationMs } from '../../api/machinery/duration.ts';
import { CONTROL_PREFIX } from '../filters/timeout.ts';
import { readBody } from '../negotiation/request-body.ts';
import { respond } from '../negotiation/respond.ts';
import { methodNotAllowed } from '../routes.ts';
import { ClockError, type ClusterClock } from './cluster-clock.ts';
import { NotSettledError, type Settled, type SettledOptions } from './settled.ts';

export interface Control {
  readonly clock: ClusterClock;
  settled(options?: SettledOptions): Promise<Settled>;
  /** Forgets all history and returns the revision that can still be read and watched from: the current one. */
  compact(): Promise<number>;
}

type ControlHandler = (exchange: Exchange, control: Control) => Promise<object>;

/** By path and method. */
const HANDLERS: Readonly<Record<string, Readonly<Record<string, ControlHandler>>>> = {
  settled: { POST: settled },
  clock: {
    GET: (_exchange, { clock }) => Promise.resolve(clockState(clock)),
    POST: moveClock,
  },
  compact: { POST: compact },
};

/** Answers a request below the prefix; undefined for other paths and for what is not there. */
export function createControlSurface(control: Control) {
  return async (exchange: Exchange): Promise<Response | undefined> => {
    const { path } = exchange.info;
    if (!path.startsWith(CONTROL_PREFIX)) return undefined;
    const name = path.slice(CONTROL_PREFIX.length);
    const methods = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined;
    if (methods === undefined) return undefined;
    const handler = methods[exchange.request.method];
    if (handler === undefined) return methodNotAllowed(exchange);
    const answer = await handler(exchange, control).catch((error: unknown) => {
      throw interpret(error);
    });
    return respond(exchange, 200, { 'Content-Type': 'application/json' }, `${JSON.stringify(answer)}\n`);
  };
}

/** Faults of the request and of the cluster, as the statuses clients know. */
function interpret(error: unknown): unknown {
  if (error instanceof ClockError || error instanceof RangeError) return newBadRequest(error.message);
  if (!(error instanceof NotSettledError)) return error;
  const causes: StatusCause[] = [
    ...error.fights.map(({ object, writers, fields, rounds }) => ({
      reason: 'Fight',
      message: `${writers.join(' and ')} undid each other's work ${rounds} times: ${fields.join(', ')}`,
      field: object,
    })),
    ...error.busy.map((message) => ({ reason: 'Busy', message })),
    ...(error.due === undefined ? [] : [{ reason: 'TimerDue', message: error.due.name }]),
  ];
  const reason = error.fights.length > 0 ? 'Conflict' : 'Timeout';
  return new StatusError(reason, error.message, { details: { causes } });
}

async function settled(exchange: Exchange, control: Control): Promise<object> {
  const body = await readOptions(exchange, ['horizon', 'timeout']);
  const { resourceVersion, nowMs } = await control.settled({
    ...milliseconds(body, 'horizon', 'horizonMs'),
    ...milliseconds(body, 'timeout', 'timeoutMs'),
  });
  return { settled: true, resourceVersion, now: formatMicroTime(nowMs) };
}

async function compact(exchange: Exchange, control: Control): Promise<object> {
  await readOptions(exchange, []);
  return { compacted: true, resourceVersion: String(await control.compact()) };
}

const ACTIONS: Readonly<Record<string, (clock: ClusterClock, options: Options) => Promise<void>>> = {
  pause: (clock) => clock.pause(),
  advance: (clock) => clock.advance(),
  step: (clock, options) => {
    const { duration } = milliseconds(options, 'duration', 'duration');
    if (duration === undefined) throw newBadRequest('duration: Required value');
    return clock.step(duration);
  },
  run: (clock, { rate = 1 }) => {
    if (typeof rate !== 'number') throw newBadRequest('rate: must be a number');
    return clock.run(rate);
  },
};

async function moveClock(exchange: Exchange, { clock }: Control): Promise<object> {
  const body = await readOptions(exchange, ['action', 'duration', 'rate']);
  const { action } = body;
  if (typeof action !== 'string' || !Object.hasOwn(ACTIONS, action)) {
    throw newBadRequest(`action: must be one of ${Object.keys(ACTIONS).join(', ')}`);
  }
  await ACTIONS[action]!(clock, body);
  return clockState(clock);
}

function clockState(clock: ClusterClock): object {
  const { nowMs, nextTimer, ...state } = clock.state;
  return {
    ...state,
    now: formatMicroTime(nowMs),
    ...(nextTimer === undefined
      ? {}
      : { nextTimer: { due: formatMicroTime(nextTimer.dueMs), name: nextTimer.name } }),
  };
}

type Options = Readonly<Record<string, unknown>>;

/** The JSON object in the body; an empty body is an empty object. Unknown members are refused. */
async function readOptions({ request }: Exchange, known: readonly string[]): Promise<Options> {
  const text = (await readBody(request)).toString('utf8').trim();
  if (text === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw newBadRequest(`the body is no JSON: ${(error as Error).message}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw newBadRequest('the body must be a JSON object');
  const unknown = Object.keys(body).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw newBadRequest(`unknown field "${unknown}"; known are ${known.join(', ') || 'none'}`);
  return body as Options;
}

/** A duration as Go writes it (`90s`, `1h30m`), under another name and in milliseconds; nothing when it is absent. */
function milliseconds<Name extends string>(
  options: Options,
  field: string,
  name: Name,
): { readonly [K in Name]?: number } {
  const value = options[field];
  if (value === undefined) return {};
  const ms = typeof value === 'string' ? parseDurationMs(value) : undefined;
  if (ms === undefined || ms < 0) throw newBadRequest(`${field}: must be a duration such as "90s"`);
  return { [name]: ms } as { readonly [K in Name]?: number };
}
