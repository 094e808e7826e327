/** Reading 10,000 pods at once, against a bare server that writes as many bytes. */
import { Connection, openConnections, requestBytes, succeed, type Reply } from '../harness/connection.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn, median, rateOf } from '../harness/measure.ts';
import { createNamespace, createPod, PODS_PATH, storedPod } from '../harness/pods.ts';
import { startBaseline, startKubemu } from '../harness/process.ts';

const PODS = 10_000;
const ROUNDS = 9;

export const listRow: Row = {
  name: 'list',
  run: async (): Promise<Finding[]> => {
    const [kubemu, bare] = [await startKubemu(), await startBaseline()];
    const writers = await openConnections(kubemu.endpoint, 16);
    await createNamespace(writers[0]!);
    await rateOf(writers, PODS, (connection, index) =>
      succeed(connection, createPod(storedPod(`pod-${index}`, index))),
    );
    const ours = writers[0]!;
    const list = requestBytes('GET', PODS_PATH);
    const { bytes } = await succeed(ours, list);
    const fixed = requestBytes('GET', `/fixed/${bytes}`);
    const [secure, plain] = [await Connection.open(bare.secure), await Connection.open(bare.plain)];
    const replies: Record<string, Reply[]> = { list: [], secure: [], plain: [] };
    const timed = (name: string, connection: Connection, request: Buffer) => async (): Promise<number> => {
      const reply = await succeed(connection, request);
      replies[name]!.push(reply);
      return reply.totalMs;
    };
    const times = await inTurn(ROUNDS, {
      list: timed('list', ours, list),
      secure: timed('secure', secure, fixed),
      plain: timed('plain', plain, fixed),
    });
    for (const connection of [...writers, secure, plain]) connection.close();
    await Promise.all([kubemu.stop(), bare.stop()]);
    const firstByteMs = (name: string): number => median(replies[name]!.map((reply) => reply.firstByteMs));
    return [
      {
        row: 'list',
        what: 'LIST of 10,000 pods against a bare server; both sides HTTPS with HTTP/1.1',
        value: times.secure / times.list,
        unit: 'ratio',
        target: 0.8,
        better: 'higher',
        details: {
          MB: bytes / 1e6,
          ms: times.list,
          bareHTTPSms: times.secure,
          bareHTTPms: times.plain,
          ratioToPlainHTTP: times.plain / times.list,
        },
      },
      {
        row: 'list',
        what: 'first byte of that list, later than the bare server by',
        value: firstByteMs('list') - firstByteMs('secure'),
        unit: 'ms',
        target: 10,
        better: 'lower',
        details: { firstByteMs: firstByteMs('list'), bareFirstByteMs: firstByteMs('secure') },
      },
    ];
  },
};
