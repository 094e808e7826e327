/** Discovery and OpenAPI, against a bare Hono handler that answers as many bytes: they are prepared, not made. */
import { openConnections, requestBytes, succeed } from '../harness/connection.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn, rateOf } from '../harness/measure.ts';
import { startBaseline, startKubemu } from '../harness/process.ts';

const REQUESTS = 1500;
const ROUNDS = 5;
/** What is left when the answer costs nothing: the chain of filters is the rest of the way. */
const TARGET = 0.4;

const DOCUMENTS = [
  {
    what: 'aggregated discovery',
    path: '/apis',
    accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  },
  { what: '/openapi/v3', path: '/openapi/v3', accept: 'application/json' },
  { what: '/openapi/v3/apis/apps/v1', path: '/openapi/v3/apis/apps/v1', accept: 'application/json' },
] as const;

export const documentsRow: Row = {
  name: 'documents',
  run: async (): Promise<Finding[]> => {
    const [kubemu, bare] = [await startKubemu(), await startBaseline()];
    const ours = await openConnections(kubemu.endpoint, 16);
    const hono = await openConnections(bare.hono, 16);
    const findings: Finding[] = [];
    for (const { what, path, accept } of DOCUMENTS) {
      const request = requestBytes('GET', path, undefined, { accept });
      const { bytes } = await succeed(ours[0]!, request);
      const fixed = requestBytes('GET', `/fixed/${bytes}`);
      const measurements = {
        ours: () => rateOf(ours, REQUESTS, (connection) => succeed(connection, request)),
        hono: () => rateOf(hono, REQUESTS, (connection) => succeed(connection, fixed)),
      };
      await inTurn(1, measurements);
      const rates = await inTurn(ROUNDS, measurements);
      findings.push({
        row: 'documents',
        what: `${what} against a bare Hono handler; both sides HTTPS with HTTP/1.1`,
        value: rates.ours / rates.hono,
        unit: 'ratio',
        target: TARGET,
        better: 'higher',
        details: { bytes, perSecond: rates.ours, bareHono: rates.hono },
      });
    }
    for (const connection of [...ours, ...hono]) connection.close();
    await Promise.all([kubemu.stop(), bare.stop()]);
    return findings;
  },
};
