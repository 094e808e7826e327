/** 10,000 pods as a Table, against the plain list of them. */
import { openConnections, requestBytes, succeed } from '../harness/connection.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn, rateOf } from '../harness/measure.ts';
import { createNamespace, createPod, PODS_PATH, storedPod } from '../harness/pods.ts';
import { startKubemu } from '../harness/process.ts';

const PODS = 10_000;
const ROUNDS = 7;
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

export const tableRow: Row = {
  name: 'table',
  run: async (): Promise<Finding[]> => {
    const kubemu = await startKubemu();
    const connections = await openConnections(kubemu.endpoint, 16);
    const reader = connections[0]!;
    await createNamespace(reader);
    await rateOf(connections, PODS, (connection, index) =>
      succeed(connection, createPod(storedPod(`pod-${index}`, index))),
    );
    const timed = (request: Buffer) => async (): Promise<number> => (await succeed(reader, request)).totalMs;
    const measurements = {
      list: timed(requestBytes('GET', PODS_PATH)),
      table: timed(requestBytes('GET', PODS_PATH, undefined, { accept: TABLE })),
    };
    await inTurn(2, measurements);
    const times = await inTurn(ROUNDS, measurements);
    for (const connection of connections) connection.close();
    await kubemu.stop();
    return [
      {
        row: 'table',
        what: 'Table of 10,000 pods, against the plain list',
        value: times.table / times.list,
        unit: 'times',
        target: 3,
        better: 'lower',
        details: { tableMs: times.table, listMs: times.list },
      },
    ];
  },
};
