import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { canonicalize, decodeObject } from '../../../api/machinery/codec.ts';
import type { Pod } from '../../../openapi/generated/core-v1.ts';

const POD = builtInSchema('io.k8s.api.core.v1.Pod');

function pod(): Pod {
  return canonicalize(POD, {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: { containers: [{ name: 'main' }, { name: 'side' }], nodeSelector: { disk: 'fast' } },
    status: { phase: 'Pending' },
  }) as unknown as Pod;
}

describe('canonical form with a base', () => {
  const base = pod();
  const [main, side] = base.spec.containers;

  it('takes members and items over that are those of the base', () => {
    const changed = { ...base, spec: { ...base.spec, containers: [main, { ...side, image: 'app:2' }] } };
    const result = canonicalize(POD, changed, base) as unknown as Pod;
    expect(result.metadata).toBe(base.metadata);
    expect(result.spec.nodeSelector).toBe(base.spec.nodeSelector);
    expect(result.spec.containers[0]).toBe(main);
    expect(result.spec.containers[1]).toEqual({ name: 'side', image: 'app:2', resources: {} });
  });

  it('takes nothing over that only equals the base or stood elsewhere in it', () => {
    const changed = { ...pod(), spec: { ...base.spec, containers: [side, main] } };
    const result = canonicalize(POD, changed, base) as unknown as Pod;
    expect(result.metadata).toEqual(base.metadata);
    expect(result.metadata).not.toBe(changed.metadata);
    expect(result.spec.containers).toEqual([side, main]);
    expect(result.spec.containers[0]).not.toBe(side);
  });

  it('still checks what is next to it', () => {
    const changed = { ...base, spec: { ...base.spec, replicas: 1 }, status: { ...base.status, phase: 1 } };
    expect(() => decodeObject(POD, changed, { base })).toThrow('PodStatus.status.phase of type string');
    expect(decodeObject(POD, { ...base, spec: { ...base.spec, bogus: 1 } }, { base }).unknownFields).toEqual([
      'spec.bogus',
    ]);
  });
});

it('copies what types do not look into when asked to', () => {
  const revisions = builtInSchema('io.k8s.api.apps.v1.ControllerRevision');
  const given = { metadata: { name: 'a' }, data: { spec: { template: {} } }, revision: 1 };
  const shared = decodeObject(revisions, given).object;
  const copied = decodeObject(revisions, given, { isCopying: true }).object;
  expect(shared['data']).toBe(given.data);
  expect(copied['data']).toEqual(given.data);
  expect(copied['data']).not.toBe(given.data);
});

describe('canonical form of an object that is given away', () => {
  it('is the object itself, part by part, where that is canonical', () => {
    const given = pod();
    expect(decodeObject(POD, given, { isTaking: true }).object).toBe(given);
    const changed = { ...given, status: { phase: 'Pending', message: '' } };
    const { object } = decodeObject(POD, changed, { isTaking: true });
    expect(object['spec']).toBe(given.spec);
    expect(object['status']).toEqual({ phase: 'Pending' });
  });

  const member = fc.oneof(
    fc.constantFrom(null, undefined, '', 'text', 0, 7, true, {}, []),
    fc.constantFrom('2026-01-02T03:04:05Z', '2026-01-02T03:04:05+01:00'),
  );
  const condition = { type: member, status: member, lastProbeTime: member, lastTransitionTime: member };
  const anyPod = fc.record(
    {
      status: fc.record({ phase: member, conditions: fc.array(fc.record(condition)), podIP: member }),
      metadata: fc.record({
        labels: fc.dictionary(fc.string(), member),
        creationTimestamp: member,
        name: member,
      }),
      kind: member,
      spec: fc.record({
        priority: member,
        nodeSelector: fc.dictionary(fc.string(), fc.string()),
        containers: fc.array(fc.record({ image: member, name: member, resources: member, bogus: member })),
      }),
      apiVersion: member,
    },
    { requiredKeys: [] },
  );

  const outcome = (given: unknown, isTaking: boolean): string => {
    try {
      return JSON.stringify(decodeObject(POD, given, { isTaking }));
    } catch (error) {
      return String(error);
    }
  };

  it('is what it is of any other, member by member in the same order', () => {
    fc.assert(
      fc.property(anyPod, (given) => {
        expect(outcome(given, true)).toBe(outcome(given, false));
      }),
      { numRuns: 500 },
    );
  });
});
