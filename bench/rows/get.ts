/** Reading one pod, against a bare Hono handler that answers the same number of bytes. */
import { openConnections, requestBytes, succeed, type Connection } from '../harness/connection.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn, processorMs, rateOf } from '../harness/measure.ts';
import { createNamespace, createPod, PODS_PATH, storedPod } from '../harness/pods.ts';
import { startBaseline, startKubemu } from '../harness/process.ts';

const CLIENTS = 64;
const REQUESTS = 8000;
const ROUNDS = 5;

export const getRow: Row = {
  name: 'get',
  run: async (): Promise<Finding[]> => {
    const [kubemu, bare] = [await startKubemu(), await startBaseline()];
    const ours = await openConnections(kubemu.endpoint, CLIENTS);
    const hono = await openConnections(bare.hono, CLIENTS);
    const honoPlain = await openConnections(bare.honoPlain, CLIENTS);
    await createNamespace(ours[0]!);
    await succeed(ours[0]!, createPod(storedPod('pod', 0)));
    const { bytes } = await succeed(ours[0]!, requestBytes('GET', `${PODS_PATH}/pod`));
    const reads = (connections: readonly Connection[], path: string) => {
      const request = requestBytes('GET', path);
      return () => rateOf(connections, REQUESTS, (connection) => succeed(connection, request));
    };
    const measurements = {
      get: reads(ours, `${PODS_PATH}/pod`),
      hono: reads(hono, `/fixed/${bytes}`),
      honoPlain: reads(honoPlain, `/fixed/${bytes}`),
    };
    await inTurn(1, measurements);
    const usedBefore = processorMs(kubemu.pid);
    const bareBefore = processorMs(bare.pid);
    const rates = await inTurn(ROUNDS, measurements);
    const processorUs = ((processorMs(kubemu.pid) - usedBefore) * 1000) / (REQUESTS * ROUNDS);
    // The bare server served both transports.
    const bareProcessorUs = ((processorMs(bare.pid) - bareBefore) * 1000) / (REQUESTS * ROUNDS * 2);
    for (const connection of [...ours, ...hono, ...honoPlain]) connection.close();
    await Promise.all([kubemu.stop(), bare.stop()]);
    return [
      {
        row: 'get',
        what: 'GET of one pod against a bare Hono handler; both sides HTTPS with HTTP/1.1',
        value: rates.get / rates.hono,
        unit: 'ratio',
        target: 0.6,
        better: 'higher',
        details: {
          bytes,
          perSecond: rates.get,
          processorUs,
          bareProcessorUs,
          bareHono: rates.hono,
          bareHonoPlainHTTP: rates.honoPlain,
          ratioToPlainHTTP: rates.get / rates.honoPlain,
        },
      },
    ];
  },
};
