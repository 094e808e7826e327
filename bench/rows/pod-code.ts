/** What a pod costs in process: protobuf against JSON, and validation, beside parsing the same pod. */
import { builtInDefinitions } from '../../api/groups/index.ts';
import { canonicalize } from '../../api/machinery/codec.ts';
import { decodeProtobuf } from '../../api/machinery/protobuf/decode.ts';
import { encodeProtobuf } from '../../api/machinery/protobuf/encode.ts';
import { applyDefaults, prepareForCreate } from '../../server/registry/before-create.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn, now } from '../harness/measure.ts';
import { sentPod } from '../harness/pods.ts';

const LOOPS = 3000;
const ROUNDS = 9;

/** Median microseconds of one call. */
async function microseconds<K extends string>(
  calls: Readonly<Record<K, () => unknown>>,
): Promise<Record<K, number>> {
  const measurements = Object.fromEntries(
    Object.entries<() => unknown>(calls).map(([name, call]) => [
      name,
      () => {
        const began = now();
        for (let loop = 0; loop < LOOPS; loop++) call();
        return Promise.resolve(((now() - began) * 1000) / LOOPS);
      },
    ]),
  ) as Record<K, () => Promise<number>>;
  await inTurn(2, measurements);
  return inTurn(ROUNDS, measurements);
}

export const podCodeRow: Row = {
  name: 'pod-code',
  run: async (): Promise<Finding[]> => {
    const definition = builtInDefinitions().find(
      ({ group, names }) => group === '' && names.plural === 'pods',
    )!;
    const { schema } = definition.storageVersion;
    const { behaviour } = definition;
    const pod = JSON.parse(sentPod('pod', 0)) as object;
    const draft = canonicalize(schema, pod);
    applyDefaults(definition, draft);
    prepareForCreate(definition, draft, { user: { name: 'admin', groups: [] }, nowMs: 0, warnings: [] });
    const object = canonicalize(schema, draft);
    if ((behaviour.validate?.(object) ?? []).length > 0) throw new Error('the pod is not valid');
    const text = JSON.stringify(object);
    const bytes = encodeProtobuf(schema, object);
    const times = await microseconds({
      json: () => JSON.stringify(JSON.parse(text)),
      parse: () => JSON.parse(text) as unknown,
      protobuf: () => encodeProtobuf(schema, decodeProtobuf(schema, bytes)),
      validate: () => behaviour.validate?.(object),
    });
    return [
      {
        row: 'pod-code',
        what: 'protobuf decode and encode of a pod, against JSON.parse and JSON.stringify of it',
        value: times.protobuf / times.json,
        unit: 'times',
        target: 2,
        better: 'lower',
        details: {
          jsonBytes: text.length,
          protobufBytes: bytes.length,
          protobufUs: times.protobuf,
          jsonUs: times.json,
        },
      },
      {
        row: 'pod-code',
        what: 'validation of that pod',
        value: times.validate,
        unit: 'us',
        target: 100,
        better: 'lower',
        details: { jsonParseUs: times.parse },
      },
    ];
  },
};
