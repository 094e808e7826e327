/** From spawning to `/readyz` answering, on an empty data directory; and what an idle server occupies. */
import { spawnSync } from 'node:child_process';
import { Connection, requestBytes, succeed } from '../harness/connection.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn, now, residentMB, settle } from '../harness/measure.ts';
import { startKubemu, temporaryFolder } from '../harness/process.ts';

const ROUNDS = 7;
const IDLE_MS = 2000;

async function readyMs(): Promise<number> {
  const folder = temporaryFolder();
  const began = now();
  const kubemu = await startKubemu([`--data-dir=${folder.path}`]);
  const connection = await Connection.open(kubemu.endpoint);
  await succeed(connection, requestBytes('GET', '/readyz'));
  const ms = now() - began;
  connection.close();
  await kubemu.stop();
  folder.remove();
  return ms;
}

function nodeMs(): Promise<number> {
  const began = now();
  spawnSync(process.execPath, ['-e', '0']);
  return Promise.resolve(now() - began);
}

export const startRow: Row = {
  name: 'start',
  run: async (): Promise<Finding[]> => {
    const times = await inTurn(ROUNDS, { node: nodeMs, kubemu: readyMs });
    const kubemu = await startKubemu([]);
    await settle(IDLE_MS);
    const idleMB = residentMB(kubemu.pid);
    await kubemu.stop();
    return [
      {
        row: 'start',
        what: '/readyz on an empty data directory, against `node -e 0`',
        value: times.kubemu / times.node,
        unit: 'times',
        target: 5,
        better: 'lower',
        details: { readyMs: times.kubemu, nodeMs: times.node },
      },
      {
        row: 'memory',
        what: 'resident when idle, with scheduler, controllers and a node',
        value: idleMB,
        unit: 'MB',
        target: 130,
        better: 'lower',
        details: {},
      },
    ];
  },
};
