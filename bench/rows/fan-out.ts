/** One writer and 1,000 watchers of one list, against a bare server that writes as many bytes to as many sockets. */
import { Connection, openConnections, requestBytes, succeed, type Endpoint } from '../harness/connection.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn, now, processorMs, residentMB, settle, until } from '../harness/measure.ts';
import { createNamespace, createPod, PODS_PATH, storedPod } from '../harness/pods.ts';
import { startBaseline, startKubemu, type BaselineProcess } from '../harness/process.ts';
import { idleWatchers } from './idle-watchers.ts';

const WATCHERS = 1000;
const EVENTS = 60;
const ROUNDS = 5;

/** Sockets that only count what comes. */
class Listeners {
  bytes = 0;
  readonly #connections: Connection[] = [];

  async open(endpoint: Endpoint, request: Buffer): Promise<void> {
    // In portions: a burst of handshakes would fill the backlog.
    for (let opened = 0; opened < WATCHERS; opened += 50) {
      const connections = await openConnections(endpoint, 50);
      for (const connection of connections) connection.listen(request, (bytes) => (this.bytes += bytes));
      this.#connections.push(...connections);
    }
    await settle();
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** Writes EVENTS times and waits until every watcher has all; watched events per second. */
async function deliveries(
  listeners: Listeners,
  frameBytes: number,
  write: () => Promise<unknown>,
): Promise<number> {
  const end = listeners.bytes + EVENTS * WATCHERS * frameBytes;
  const began = now();
  for (let event = 0; event < EVENTS; event++) await write();
  await until('the fan-out', () => listeners.bytes >= end);
  return (EVENTS * WATCHERS * 1000) / (now() - began);
}

async function fanOut(bare: BaselineProcess): Promise<Finding> {
  const kubemu = await startKubemu();
  const writer = await Connection.open(kubemu.endpoint);
  await createNamespace(writer);
  const watchers = new Listeners();
  await watchers.open(kubemu.endpoint, requestBytes('GET', `${PODS_PATH}?watch=1&resourceVersion=1`));
  let made = 0;
  const create = (): Promise<unknown> =>
    succeed(writer, createPod(storedPod(`pod-${10_000 + made}`, made++)));
  const before = watchers.bytes;
  await create();
  await settle();
  // Names and versions are of one length, so frames are too. Chunk framing counts: a watch needs it.
  const frameBytes = (watchers.bytes - before) / WATCHERS;
  const trigger = await Connection.open(bare.plain);
  const [secure, plain] = [new Listeners(), new Listeners()];
  await secure.open(bare.secureSockets, Buffer.from('here'));
  await plain.open(bare.sockets, Buffer.from('here'));
  const size = Math.round(frameBytes);
  const raw = (set: string) => () => succeed(trigger, requestBytes('POST', `/fan-out/${set}/${size}`, ''));
  const measurements = {
    kubemu: () => deliveries(watchers, size - 2, create),
    secure: () => deliveries(secure, size, raw('secure')),
    plain: () => deliveries(plain, size, raw('plain')),
  };
  await inTurn(1, measurements);
  const used = { kubemu: processorMs(kubemu.pid), bare: processorMs(bare.pid) };
  const rates = await inTurn(ROUNDS, measurements);
  const events = EVENTS * WATCHERS * ROUNDS;
  const processorUs = ((processorMs(kubemu.pid) - used.kubemu) * 1000) / events;
  for (const listeners of [watchers, secure, plain]) listeners.close();
  for (const connection of [writer, trigger]) connection.close();
  await kubemu.stop();
  return {
    row: 'fan-out',
    what: 'events to 1,000 watchers of one list, against raw writes to as many sockets; both sides TLS',
    value: rates.kubemu / rates.secure,
    unit: 'ratio',
    target: 0.5,
    better: 'higher',
    details: {
      frameBytes,
      perSecond: rates.kubemu,
      processorUs,
      rawTLS: rates.secure,
      rawPlain: rates.plain,
      ratioToPlain: rates.kubemu / rates.plain,
    },
  };
}

export const fanOutRow: Row = {
  name: 'fan-out',
  run: async (): Promise<Finding[]> => {
    const bare = await startBaseline();
    const findings = [await fanOut(bare), await idleWatchers(residentMB)];
    await bare.stop();
    return findings;
  },
};
