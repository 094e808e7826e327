/** Choosing nodes for the pods of deployments, without writes: on many nodes against few, and against a bare store update. */
import { schedulingOn } from '../harness/scheduling.ts';
import { openEngine } from '../../storage/engines/index.ts';
import { openStore } from '../../storage/store.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn, rateOf } from '../harness/measure.ts';

const FEW_NODES = 100;
const MANY_NODES = 5000;
const PODS = 2000;
const ROUNDS = 5;
const OBJECT = { metadata: { name: 'pod' }, data: { text: 'lorem ipsum '.repeat(160) } };

/** As the registry does: the object with its new revision, as bytes. */
function encode(revision: number): { readonly bytes: Buffer } {
  const metadata = { ...OBJECT.metadata, resourceVersion: String(revision) };
  return { bytes: Buffer.from(JSON.stringify({ ...OBJECT, metadata })) };
}

export const schedulerRow: Row = {
  name: 'scheduler',
  run: async (): Promise<Finding[]> => {
    const store = await openStore({ engine: openEngine({ type: 'memory' }) });
    const update = (): Promise<unknown> => store.put('key', encode, { expect: 'any' });
    const few = schedulingOn(FEW_NODES);
    const many = schedulingOn(MANY_NODES);
    const measurements = {
      few: () => few.place(PODS),
      many: () => many.place(PODS),
      update: () => rateOf([0], PODS, update),
    };
    // The first rounds are for the compiler.
    await inTurn(5, measurements);
    const rates = await inTurn(ROUNDS, measurements);
    await store.close();
    const details = {
      usFewNodes: 1e6 / rates.few,
      usManyNodes: 1e6 / rates.many,
      usStoreUpdate: 1e6 / rates.update,
    };
    return [
      {
        row: 'scheduler',
        what: `cost of a pod on ${MANY_NODES} nodes against one on ${FEW_NODES}, decision only`,
        value: rates.few / rates.many,
        unit: 'times',
        target: 3,
        better: 'lower',
        details,
      },
      {
        row: 'scheduler',
        what: `cost of a pod on ${MANY_NODES} nodes against a bare store update of 2 KB in memory`,
        value: rates.update / rates.many,
        unit: 'times',
        target: 4,
        better: 'lower',
        details,
      },
    ];
  },
};
