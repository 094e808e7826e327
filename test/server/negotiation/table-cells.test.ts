import { describe, expect, it } from 'vitest';
import { builtInDefinitions } from '../../../api/groups/index.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { formatCells } from '../../../server/negotiation/table-cells.ts';

const CREATED = '2026-01-01T00:00:00Z';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function tableOf(plural: string) {
  return builtInDefinitions().find(({ names }) => names.plural === plural)!.behaviour.table!;
}

function pod(status: object): UnknownObject {
  const spec = { containers: [{ name: 'main', image: 'app' }] };
  const metadata = { name: 'web', creationTimestamp: CREATED };
  return { kind: 'Pod', apiVersion: 'v1', metadata, spec, status } as unknown as UnknownObject;
}

const running = {
  name: 'main',
  ready: true,
  state: { running: { startedAt: CREATED } },
  image: '',
  imageID: '',
};
const restarted = {
  ...running,
  restartCount: 2,
  lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:01:00Z' } },
};

describe('the cells of a row', () => {
  it.each([
    { name: 'an object', plural: 'configmaps', object: { ...pod({}), data: { a: '1' } }, asked: 1 },
    {
      name: 'a running pod',
      plural: 'pods',
      object: pod({ containerStatuses: [{ ...running, restartCount: 0 }] }),
      asked: 1,
    },
    {
      name: 'a pod that ended',
      plural: 'pods',
      object: pod({ phase: 'Succeeded', containerStatuses: [] }),
      asked: 1,
    },
    {
      name: 'a pod with restarts',
      plural: 'pods',
      object: pod({ containerStatuses: [restarted] }),
      asked: 3,
    },
    {
      name: 'an object without an age column',
      plural: 'csidrivers',
      object: { ...pod({}), spec: {} },
      asked: 1,
    },
  ])('of $name are right at any time, and it is looked at $asked times', ({ plural, object, asked }) => {
    const table = tableOf(plural);
    let times = 0;
    const item = {};
    for (const afterMs of [5 * MINUTE_MS, 3 * HOUR_MS, 50 * HOUR_MS]) {
      const context = { nowMs: Date.parse(CREATED) + afterMs };
      const text = formatCells(item, table, context, () => {
        times++;
        return object;
      });
      const conditions = table.conditions?.(object) ?? [];
      expect(JSON.parse(`{${text}}`)).toEqual({
        cells: table.cells(object, context),
        ...(conditions.length === 0 ? {} : { conditions }),
      });
    }
    expect(times).toBe(asked);
  });

  it('are those of the table that is asked for', () => {
    const item = {};
    const object = pod({ containerStatuses: [] });
    const context = { nowMs: Date.parse(CREATED) };
    const first = formatCells(item, tableOf('pods'), context, () => object);
    expect(formatCells(item, tableOf('configmaps'), context, () => object)).not.toBe(first);
    expect(formatCells(item, tableOf('pods'), context, () => object)).toBe(first);
  });
});
