import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resourceQuotaController } from '../../../controllers/resourcequota/resourcequota-controller.ts';
import {
  configMaps,
  persistentVolumeClaims,
  pods,
  resourceQuotas,
  services,
  type Pod,
  type ResourceQuota,
} from '../../../openapi/generated/core-v1.ts';
import {
  resourceClaims,
  type DeviceRequest,
  type ResourceClaim,
} from '../../../openapi/generated/resource-v1.ts';
import { deployments } from '../../../openapi/generated/apps-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([resourceQuotaController]);
});
afterEach(() => harness.stop());

async function quota(name: string, spec: ResourceQuota['spec']): Promise<void> {
  await harness.client.create(resourceQuotas, { metadata: { name, namespace: NAMESPACE }, spec });
  await harness.settle();
}

async function used(name: string): Promise<Record<string, string>> {
  await harness.settle();
  return (await harness.get(resourceQuotas, name)).status.used ?? {};
}

const pod = (name: string, cpu: string, more: Partial<Pod['spec']> = {}): Promise<Pod> =>
  harness.client.create(pods, {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'app:1',
          resources: { requests: { cpu }, limits: { cpu: '2', memory: '1Gi' } },
        },
      ],
      ...more,
    },
  });

describe('the status of a quota', () => {
  it('counts claims of devices, and the devices by class: of alternatives the most, of all 32', async () => {
    const devices = (name: string) => `${name}.deviceclass.resource.k8s.io/devices`;
    await quota('q', {
      hard: { 'count/resourceclaims.resource.k8s.io': '5', [devices('gpu')]: '9', [devices('nic')]: '40' },
    });
    const gpu = (name: string, count: number) => ({ name, deviceClassName: 'gpu', count });
    const claim = (name: string, ...requests: DeviceRequest[]): Promise<ResourceClaim> =>
      harness.client.create(resourceClaims, {
        metadata: { name, namespace: NAMESPACE },
        spec: { devices: { requests } },
      });
    await claim(
      'a',
      { name: 'one', exactly: { deviceClassName: 'gpu', count: 2 } },
      { name: 'two', firstAvailable: [gpu('x', 4), gpu('y', 1)] },
      { name: 'three', exactly: { deviceClassName: 'nic', allocationMode: 'All' } },
    );
    expect(await used('q')).toEqual({
      'count/resourceclaims.resource.k8s.io': '1',
      [devices('gpu')]: '6',
      [devices('nic')]: '32',
    });
    await expect(claim('b', { name: 'r', exactly: { deviceClassName: 'gpu', count: 4 } })).rejects.toThrow(
      `resourceclaims.resource.k8s.io "b" is forbidden: exceeded quota: q, requested: ${devices('gpu')}=4, used: ${devices('gpu')}=6, limited: ${devices('gpu')}=9`,
    );
  });

  it('follows what pods ask for, and forgets those that ended', async () => {
    const hard = { pods: '10', 'requests.cpu': '4', cpu: '4', 'limits.memory': '8Gi', 'count/pods': '10' };
    await pod('before', '250m');
    await quota('q', { hard });
    expect((await harness.get(resourceQuotas, 'q')).status).toEqual({
      hard,
      used: { 'count/pods': '1', cpu: '250m', 'limits.memory': '1Gi', pods: '1', 'requests.cpu': '250m' },
    });
    const second = await pod('second', '1750m');
    expect(await used('q')).toMatchObject({ cpu: '2', 'limits.memory': '2Gi', pods: '2' });
    await harness.end(second, 'Succeeded');
    expect(await used('q')).toMatchObject({
      'count/pods': '2',
      cpu: '250m',
      'limits.memory': '1Gi',
      pods: '1',
    });
    await harness.remove(second);
    expect(await used('q')).toMatchObject({ 'count/pods': '1' });
  });

  it('counts objects, ports and storage', async () => {
    const hard = {
      configmaps: '5',
      services: '5',
      'services.nodeports': '5',
      'services.loadbalancers': '1',
      'count/deployments.apps': '3',
      persistentvolumeclaims: '3',
      'requests.storage': '10Gi',
      'fast.storageclass.storage.k8s.io/requests.storage': '5Gi',
      'example.com/unknown': '1',
    };
    await quota('q', { hard });
    expect(await used('q')).toEqual({
      configmaps: '0',
      'count/deployments.apps': '0',
      'fast.storageclass.storage.k8s.io/requests.storage': '0',
      persistentvolumeclaims: '0',
      'requests.storage': '0',
      services: '0',
      'services.loadbalancers': '0',
      'services.nodeports': '0',
    });
    const { client } = harness;
    await client.create(configMaps, { metadata: { name: 'c', namespace: NAMESPACE } });
    await client.create(services, {
      metadata: { name: 's', namespace: NAMESPACE },
      spec: {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 80 },
          { name: 'b', port: 81 },
        ],
      },
    });
    await client.create(persistentVolumeClaims, {
      metadata: { name: 'p', namespace: NAMESPACE },
      spec: {
        storageClassName: 'fast',
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '2Gi' } },
      },
    });
    await client.create(deployments, {
      metadata: { name: 'd', namespace: NAMESPACE },
      spec: {
        selector: { matchLabels: { app: 'd' } },
        template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
      },
    });
    expect(await used('q')).toMatchObject({
      configmaps: '1',
      'count/deployments.apps': '1',
      'fast.storageclass.storage.k8s.io/requests.storage': '2Gi',
      persistentvolumeclaims: '1',
      'requests.storage': '2Gi',
      services: '1',
      'services.nodeports': '2',
    });
    await harness.change(services, 's', ({ spec }) => {
      spec.type = 'ClusterIP';
      for (const port of spec.ports!) delete port.nodePort;
    });
    expect(await used('q')).toMatchObject({ services: '1', 'services.nodeports': '0' });
  });

  it.each([
    { scopes: ['Terminating'], pods: '1' },
    { scopes: ['NotTerminating'], pods: '2' },
    { scopes: ['BestEffort'], pods: '1' },
    { scopes: ['NotBestEffort'], pods: '2' },
    { scopes: ['NotTerminating', 'NotBestEffort'], pods: '1' },
  ])('takes in only what is in scope: $scopes', async ({ scopes, pods: count }) => {
    await quota('q', { hard: { pods: '10' }, scopes });
    await pod('burstable', '100m');
    await pod('ending', '100m', { activeDeadlineSeconds: 600 });
    await pod('modest', '0', { containers: [{ name: 'main', image: 'app:1' }] });
    expect(await used('q')).toEqual({ pods: count });
  });

  it('is repaired when somebody writes something else, and follows its spec', async () => {
    await quota('q', { hard: { pods: '10' } });
    await pod('a', '100m');
    await harness.settle();
    await harness.change(resourceQuotas, 'q', ({ status }) => (status.used = { pods: '7' }), 'status');
    expect(await used('q')).toEqual({ pods: '1' });
    await harness.change(resourceQuotas, 'q', ({ spec }) => (spec.hard = { 'requests.cpu': '1' }));
    expect(await used('q')).toEqual({ 'requests.cpu': '100m' });
  });

  it('leaves what others count as they wrote it, and counts nothing that no object uses', async () => {
    const hard = { 'example.com/licences': '5', 'limits.example.com/gpu': '1' };
    await quota('q', { hard });
    expect(await used('q')).toEqual({});
    const counted = { 'example.com/licences': '2' };
    await harness.change(resourceQuotas, 'q', ({ status }) => (status.used = counted), 'status');
    await pod('a', '1', {
      containers: [
        {
          name: 'main',
          image: 'app:1',
          resources: { requests: { 'example.com/gpu': '1' }, limits: { 'example.com/gpu': '1' } },
        },
      ],
    });
    expect(await used('q')).toEqual(counted);
  });

  it('is the sum over the pods there are, whatever came and went', async () => {
    await quota('q', { hard: { pods: '100', 'requests.cpu': '100' } });
    let made = 0;
    const step = fc.oneof(
      fc.record({ cpu: fc.integer({ min: 1, max: 2000 }) }),
      fc.record({ remove: fc.nat({ max: 5 }) }),
      fc.record({ end: fc.nat({ max: 5 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        for (const each of steps) {
          const alive = await harness.pods();
          const at = (index: number) => alive[index % Math.max(1, alive.length)];
          if ('cpu' in each) await pod(`p-${made++}`, `${each.cpu}m`);
          else if ('remove' in each && at(each.remove)) await harness.remove(at(each.remove)!);
          else if ('end' in each && at(each.end)) await harness.end(at(each.end)!, 'Failed');
        }
        const running = (await harness.pods()).filter(({ status }) => status.phase !== 'Failed');
        const sum = running.reduce((total, { spec }) => {
          const cpu = spec.containers[0]!.resources!.requests!['cpu']!;
          return total + (cpu.endsWith('m') ? Number(cpu.slice(0, -1)) : Number(cpu) * 1000);
        }, 0);
        const cpu = sum % 1000 === 0 ? String(sum / 1000) : `${sum}m`;
        expect(await used('q')).toEqual({ pods: String(running.length), 'requests.cpu': cpu });
      }),
      { numRuns: 15, seed: 1 },
    );
  });
});
