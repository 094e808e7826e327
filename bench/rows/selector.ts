/** A list through a selector that one pod in a hundred matches, against the list of all. */
import { requestBytes, succeed, type Connection } from '../harness/connection.ts';
import type { Finding } from '../harness/finding.ts';
import { inTurn } from '../harness/measure.ts';
import { PODS_PATH, RARE_SELECTOR } from '../harness/pods.ts';

const ROUNDS = 3;
const READS = 5;

export async function selectorFindings(connection: Connection): Promise<Finding[]> {
  const timed = (path: string, reads: number) => async (): Promise<number> => {
    let total = 0;
    for (let read = 0; read < reads; read++) {
      total += (await succeed(connection, requestBytes('GET', path))).totalMs;
    }
    return total / reads;
  };
  const measurements = {
    all: timed(PODS_PATH, 1),
    labels: timed(`${PODS_PATH}?${RARE_SELECTOR}`, READS),
    fields: timed(`${PODS_PATH}?fieldSelector=spec.nodeName%3Dnode-7`, READS),
  };
  await inTurn(1, measurements);
  const times = await inTurn(ROUNDS, measurements);
  return [
    {
      row: 'selector',
      what: 'LIST by a label of 1 % of 100,000 pods, against the full LIST',
      value: times.all / times.labels,
      unit: 'times',
      target: 20,
      better: 'higher',
      details: { allMs: times.all, labelsMs: times.labels, byNodeNameMs: times.fields },
    },
  ];
}
