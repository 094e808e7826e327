/** What must hold of every request, whatever it is. */
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import { decodeEnvelope } from '../../api/machinery/protobuf/envelope.ts';
import { decodeProtobuf } from '../../api/machinery/protobuf/decode.ts';
import type { TestServer } from '../server/fixtures/server.ts';
import { ADMIN_TOKEN } from '../server/fixtures/server.ts';
import type { FuzzRequest } from './requests.ts';

/** Texts of 500s that upstream answers with as well: errors that its registries do not translate. */
const UPSTREAM_FAULTS = [
  /^resourceVersion should not be set on objects to be created$/,
  /^\[?target\.(kind|name): /,
  /^failed to create typed patch object /,
  /^failed to convert new object /,
];
/** Plain text is for paths and methods that belong to no resource. */
const PLAIN_REFUSALS = [404, 405, 429];
const STATUS_TYPE = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';
const REAL_TURNS_MAX = 1000;

/** Sends the request and throws an Error that says what is wrong with the answer. */
export async function check(server: TestServer, request: FuzzRequest): Promise<void> {
  const before = server.store.revision;
  const logged = server.logs.length;
  const response = await answerOf(server, request);
  if (response === undefined) return;
  const { status } = response;
  const isWatch = status === 200 && /stream=watch|chunked/.test(response.headers.get('content-type') ?? '');
  if (isWatch || (status === 200 && isOpen(request))) {
    await response.body?.cancel();
    return;
  }
  const body = Buffer.from(await response.arrayBuffer());
  const faults = server.logs.slice(logged).filter((line) => line.includes('request failed'));
  if (faults.length > 0) throw new Error(`a fault of ours: ${faults[0]}`);
  if (status < 400) return;
  const isPartial = request.method === 'DELETE';
  if (!isPartial && server.store.revision !== before)
    throw new Error(`refused with ${status}, and yet something was written`);
  if (request.method === 'HEAD') return;
  checkStatus(request, status, response.headers.get('content-type') ?? '', body);
}

/** The answer once it is there; virtual time goes on while it is waited for. Undefined for what no client could send. */
async function answerOf(
  server: TestServer,
  { method, path, headers, body }: FuzzRequest,
): Promise<Response | undefined> {
  let request: Request;
  try {
    const init = { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...headers } };
    request = new Request(
      `http://localhost${path}`,
      body === undefined ? init : { ...init, body: body as BodyInit },
    );
  } catch {
    return undefined;
  }
  let response: Response | undefined;
  const asked = Promise.resolve(server.app.fetch(request, {})).then((answer) => (response = answer));
  for (let turns = 0; response === undefined; turns++) {
    if (turns >= REAL_TURNS_MAX) throw new Error('no answer');
    await (turns < 3 ? Promise.race([asked, nextTurn()]) : server.clock.advance(1000));
  }
  return response;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isOpen({ path, method }: FuzzRequest): boolean {
  return method === 'GET' && (/[?&]watch=(1|true|)(&|$)/.test(path) || path.includes('/watch/'));
}

function checkStatus(request: FuzzRequest, status: number, type: string, body: Buffer): void {
  if (type.startsWith('text/plain')) {
    if (!PLAIN_REFUSALS.includes(status)) throw new Error(`${status} as plain text: ${body.toString()}`);
    return;
  }
  if (type.startsWith('application/vnd.kubernetes.protobuf')) {
    const { kind, raw } = decodeEnvelope(body);
    if (kind !== 'Status') throw new Error(`${status} with a ${kind}`);
    checkFault(request, status, decodeProtobuf(builtInSchema(STATUS_TYPE), raw));
    return;
  }
  const text = body.toString();
  if (type.startsWith('application/yaml')) {
    if (!/^kind: Status$/m.test(text)) throw new Error(`${status} without a Status: ${text}`);
    return;
  }
  const answer = JSON.parse(text) as Record<string, unknown>;
  const isStatus =
    answer['kind'] === 'Status' &&
    answer['apiVersion'] === 'v1' &&
    answer['status'] === 'Failure' &&
    answer['code'] === status &&
    typeof answer['message'] === 'string';
  if (!isStatus) throw new Error(`${status} without a proper Status: ${text}`);
  checkFault(request, status, answer);
}

/** Upstream has no code for some mistakes of clients, least of all in strategic patches, and says 500 without a reason. */
function checkFault({ headers }: FuzzRequest, status: number, answer: object): void {
  if (status !== 500) return;
  const { message = '', reason } = answer as { message?: string; reason?: string };
  const isStrategic = headers['content-type'] === 'application/strategic-merge-patch+json';
  const isUpstreams = isStrategic || UPSTREAM_FAULTS.some((known) => known.test(message));
  if (reason !== undefined || !isUpstreams) throw new Error(`500: ${message}`);
}
