/** Creating pods over HTTP, against a bare server that parses the same bodies and answers with them. */
import { openConnections, requestBytes, succeed, type Connection } from '../harness/connection.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn, processorMs, rateOf } from '../harness/measure.ts';
import { createNamespace, createPod, sentPod } from '../harness/pods.ts';
import { QUIET, startBaseline, startKubemu, temporaryFolder } from '../harness/process.ts';

const CLIENTS = 64;
const REQUESTS = 3000;
const ROUNDS = 5;

export const createRow: Row = {
  name: 'create',
  run: async (): Promise<Finding[]> => {
    const folder = temporaryFolder();
    const [kubemu, bare] = [
      await startKubemu([...QUIET, `--data-dir=${folder.path}`]),
      await startBaseline(),
    ];
    const ours = await openConnections(kubemu.endpoint, CLIENTS);
    const secure = await openConnections(bare.secure, CLIENTS);
    const plain = await openConnections(bare.plain, CLIENTS);
    await createNamespace(ours[0]!);
    let made = 0;
    const create = async (): Promise<number> => {
      const first = made;
      made += REQUESTS;
      const pods = Array.from({ length: REQUESTS }, (_, index) =>
        createPod(sentPod(`pod-${first + index}`, index)),
      );
      return rateOf(ours, REQUESTS, (connection, index) => succeed(connection, pods[index]!));
    };
    const echo = (connections: readonly Connection[]): (() => Promise<number>) => {
      const request = requestBytes('POST', '/', sentPod('pod', 0));
      return () => rateOf(connections, REQUESTS, (connection) => succeed(connection, request));
    };
    // The first round is for the compiler.
    await inTurn(1, { create, secure: echo(secure), plain: echo(plain) });
    const usedBefore = processorMs(kubemu.pid);
    const bareBefore = processorMs(bare.pid);
    const madeBefore = made;
    const rates = await inTurn(ROUNDS, { create, secure: echo(secure), plain: echo(plain) });
    const processorUs = ((processorMs(kubemu.pid) - usedBefore) * 1000) / (made - madeBefore);
    // The bare server served both transports.
    const bareProcessorUs = ((processorMs(bare.pid) - bareBefore) * 1000) / (REQUESTS * ROUNDS * 2);
    for (const connection of [...ours, ...secure, ...plain]) connection.close();
    await Promise.all([kubemu.stop(), bare.stop()]);
    folder.remove();
    return [
      {
        row: 'create',
        what: 'create of a 2 KB pod, 64 clients, durability process; both sides HTTPS with HTTP/1.1',
        value: rates.create / rates.secure,
        unit: 'ratio',
        target: 0.35,
        better: 'higher',
        details: {
          perSecond: rates.create,
          processorUs,
          bareProcessorUs,
          bareHTTPS: rates.secure,
          bareHTTP: rates.plain,
          ratioToPlainHTTP: rates.create / rates.plain,
        },
      },
    ];
  },
};
