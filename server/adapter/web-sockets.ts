/** Requests that ask for another protocol: those that are answered over a WebSocket, and the rest, answered as ever. */
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../../api/machinery/logger.ts';
import { parseProtocols } from '../authn/bearer-protocol.ts';
import type { RequestEnvironment, WebSocketMessages } from '../exchange.ts';

/** Nothing that clients send here is long. */
const MESSAGE_BYTES_MAX = 1024 * 1024;
const NORMAL_CLOSURE = 1000;

export interface UpgradeOptions {
  readonly fetch: (request: Request, environment: RequestEnvironment) => Response | Promise<Response>;
  environmentOf(incoming: IncomingMessage): RequestEnvironment;
  /** Counts a request until its socket closes. */
  begin(socket: Duplex): void;
  readonly logger: Logger;
}

/** What a server does with its `upgrade` events. Never throws. */
export function createUpgrader(
  options: UpgradeOptions,
): (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void {
  return (incoming, socket, head) => {
    options.begin(socket);
    socket.on('error', () => socket.destroy());
    upgrade(options, incoming, socket, head).catch((error: unknown) => {
      options.logger.debug('upgrade failed', { error });
      socket.destroy();
    });
  };
}

async function upgrade(
  { fetch, environmentOf }: UpgradeOptions,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const request = new Request(`https://${incoming.headers.host ?? 'localhost'}${incoming.url ?? '/'}`, {
    method: incoming.method,
    headers: headersOf(incoming),
    signal: gone.signal,
  });
  let accepted: WebSocketMessages | undefined;
  const environment = {
    ...environmentOf(incoming),
    ...(isWebSocket(incoming)
      ? { webSocket: { accept: (messages: WebSocketMessages) => void (accepted = messages) } }
      : {}),
  };
  const response = await fetch(request, environment);
  if (accepted === undefined) {
    await answer(incoming, socket, response);
    return;
  }
  const { protocols } = parseProtocols(request.headers.get('sec-websocket-protocol'));
  const messages = accepted;
  if (protocols.length > 1) {
    await messages.body.cancel();
    await answer(incoming, socket, new Response('400 Bad Request', { status: 400 }));
    return;
  }
  const server = await openWebSocketServer();
  server.handleUpgrade(incoming, socket, head, (webSocket) => {
    send(messages, webSocket).catch(() => webSocket.terminate());
  });
}

let webSocketServer: Promise<WebSocketServer> | undefined;

/** Most servers never meet a WebSocket, so the library is loaded for the first. */
function openWebSocketServer(): Promise<WebSocketServer> {
  return (webSocketServer ??= import('ws').then(
    ({ WebSocketServer: Server }) =>
      new Server({
        noServer: true,
        maxPayload: MESSAGE_BYTES_MAX,
        perMessageDeflate: false,
        handleProtocols: (offered) => parseProtocols([...offered].join(',')).protocols[0] ?? false,
      }),
  ));
}

/** Mirrors wsstream.IsWebSocketRequest. */
function isWebSocket({ headers, method }: IncomingMessage): boolean {
  const connection = (headers.connection ?? '').toLowerCase().split(',');
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    connection.some((token) => token.trim() === 'upgrade')
  );
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    headers.append(rawHeaders[index]!, rawHeaders[index + 1]!);
  return headers;
}

async function answer(incoming: IncomingMessage, socket: Duplex, response: Response): Promise<void> {
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0]);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  const body = Buffer.from(await response.arrayBuffer());
  outgoing.end(body, () => socket.end());
}

/** One message for each chunk, as fast as the client takes them. What the client sends is not looked at, as upstream. */
async function send({ body, text }: WebSocketMessages, webSocket: WebSocket): Promise<void> {
  const reader = body.getReader();
  webSocket.on('error', () => webSocket.terminate());
  webSocket.once('close', () => void reader.cancel());
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    await new Promise<void>((resolve, reject) =>
      webSocket.send(value, { binary: !text }, (error) => (error ? reject(error) : resolve())),
    );
  }
  webSocket.close(NORMAL_CLOSURE);
}
