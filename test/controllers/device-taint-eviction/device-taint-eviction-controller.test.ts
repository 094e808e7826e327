import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceTaintEvictionController } from '../../../controllers/device-taint-eviction/device-taint-eviction-controller.ts';
import { events, pods, type Pod } from '../../../openapi/generated/core-v1.ts';
import {
  resourceSlices,
  type DeviceTaint,
  type DeviceToleration,
} from '../../../openapi/generated/resource-v1.ts';
import { startSchedulerHarness, type SchedulerHarness } from '../scheduler/cluster.ts';
import { createClaim, createClass, createSlice, usingClaims } from '../scheduler/devices.ts';

let harness: SchedulerHarness;
beforeEach(async () => {
  harness = await startSchedulerHarness([deviceTaintEvictionController]);
  await harness.node('n1');
  await createClass(harness);
  await createSlice(harness, 'n1', ['a', 'b']);
});
afterEach(() => harness.stop());

async function podWith(tolerations: DeviceToleration[] = []): Promise<void> {
  await createClaim(harness, 'c', { tolerations });
  await harness.pod('p', usingClaims('c'));
}

/** Gives the devices taints, as a driver does. */
async function taint(taints: Record<string, DeviceTaint[]>): Promise<void> {
  const slice = structuredClone(await harness.client.get(resourceSlices, { name: 'n1' }));
  for (const device of slice.spec.devices!) device.taints = taints[device.name];
  await harness.client.update(resourceSlices, slice);
  await harness.settle();
}

const pod = (): Promise<Pod> => harness.get(pods, 'p');
const isLeaving = async (): Promise<boolean> => (await pod()).metadata.deletionTimestamp !== undefined;
const evictions = async (): Promise<string[]> =>
  (await harness.events()).filter((text) => text.includes('DeviceTaintManagerEviction'));
const ILL: DeviceTaint = { key: 'ill', value: 'yes', effect: 'NoExecute' };

describe('a taint of a device', () => {
  it('ends the pod that uses it, and says so', async () => {
    await podWith();
    await taint({ a: [ILL] });
    expect(await isLeaving()).toBe(true);
    expect(await evictions()).toEqual(['Normal DeviceTaintManagerEviction Marking for deletion']);
    const told = (await harness.list(events)).find(({ reason }) => reason === 'DeviceTaintManagerEviction');
    expect(told?.involvedObject).toEqual({
      kind: 'Pod',
      namespace: 'default',
      name: 'p',
      uid: (await pod()).metadata.uid,
      apiVersion: 'v1',
    });
    expect((await pod()).status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByDeviceTaintManager',
        message: 'Device Taint manager: deleting due to NoExecute taint',
      }),
    );
  });

  it.each<{ name: string; taints: Record<string, DeviceTaint[]>; tolerations: DeviceToleration[] }>([
    { name: 'another device has it', taints: { b: [ILL] }, tolerations: [] },
    { name: 'it only keeps pods away', taints: { a: [{ ...ILL, effect: 'NoSchedule' }] }, tolerations: [] },
    {
      name: 'the claim tolerates it',
      taints: { a: [ILL] },
      tolerations: [{ key: 'ill', operator: 'Equal', value: 'yes', effect: 'NoExecute' }],
    },
  ])('leaves the pod alone when $name', async ({ taints, tolerations }) => {
    await podWith(tolerations);
    await taint(taints);
    await harness.advance(600_000);
    expect(await isLeaving()).toBe(false);
    expect(await evictions()).toEqual([]);
  });

  it('ends the pod once its tolerationSeconds are over', async () => {
    await podWith([{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }]);
    await taint({ a: [ILL] });
    await harness.advance(59_000);
    expect(await isLeaving()).toBe(false);
    await harness.advance(1000);
    expect(await isLeaving()).toBe(true);
  });

  it('that goes in time lets the pod stay, and says so', async () => {
    await podWith([{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }]);
    await taint({ a: [ILL] });
    await harness.advance(30_000);
    await taint({});
    await harness.advance(600_000);
    expect(await isLeaving()).toBe(false);
    expect(await evictions()).toEqual(['Normal DeviceTaintManagerEviction Cancelling deletion']);
  });

  it('goes on counting after a restart', async () => {
    await podWith([{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }]);
    await taint({ a: [ILL] });
    await harness.advance(40_000);
    await harness.restart();
    await harness.advance(20_000);
    expect(await isLeaving()).toBe(true);
  });
});
