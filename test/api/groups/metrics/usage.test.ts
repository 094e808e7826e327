import { describe, expect, it } from 'vitest';
import { nodeMetricsOf, podMetricsOf } from '../../../../api/groups/metrics/usage.ts';
import type { Node, Pod } from '../../../../openapi/generated/core-v1.ts';

const NOW = Date.UTC(2026, 0, 1, 0, 0, 30);

function pod(annotations: Record<string, string> = {}, more: Partial<Pod['status']> = {}): Pod {
  return {
    metadata: { name: 'web', namespace: 'default', labels: { app: 'web' }, annotations },
    spec: {
      containers: [
        { name: 'main', resources: { requests: { cpu: '200m', memory: '100Mi' } } },
        { name: 'side' },
      ],
      initContainers: [{ name: 'setup' }],
    },
    status: { phase: 'Running', ...more },
  };
}

const running = (name: string) => ({
  name,
  image: '',
  imageID: '',
  ready: true,
  restartCount: 0,
  state: { running: {} },
});

describe('usage of a pod', () => {
  it('is little where nothing is declared', () => {
    expect(podMetricsOf(pod(), NOW)).toEqual({
      kind: 'PodMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: {
        name: 'web',
        namespace: 'default',
        labels: { app: 'web' },
        creationTimestamp: '2026-01-01T00:00:30Z',
      },
      timestamp: '2026-01-01T00:00:30Z',
      window: '15s',
      containers: [
        { name: 'main', usage: { cpu: '1m', memory: '16Mi' } },
        { name: 'side', usage: { cpu: '1m', memory: '16Mi' } },
      ],
    });
  });

  it.each([
    { name: 'for all containers', annotations: { 'kubemu.io/usage-cpu': '50m' }, main: '50m', side: '50m' },
    {
      name: 'for one',
      annotations: { 'kubemu.io/usage-cpu': '50m', 'kubemu.io/usage-cpu.side': '7m' },
      main: '50m',
      side: '7m',
    },
    {
      name: 'as a share of the request',
      annotations: { 'kubemu.io/usage-cpu': '80%' },
      main: '160m',
      side: '0',
    },
    { name: 'unreadably', annotations: { 'kubemu.io/usage-cpu': 'much' }, main: '1m', side: '1m' },
  ])('declared $name', ({ annotations, main, side }) => {
    const { containers } = podMetricsOf(pod(annotations as Record<string, string>), NOW)!;
    expect(containers.map(({ usage }) => usage['cpu'])).toEqual([main, side]);
  });

  it('is of containers that run only', () => {
    const waiting = { ...running('side'), state: { waiting: {} } };
    const { containers } = podMetricsOf(pod({}, { containerStatuses: [running('main'), waiting] }), NOW)!;
    expect(containers.map(({ name }) => name)).toEqual(['main']);
  });

  it.each(['Pending', 'Succeeded', 'Failed'])('is not known when it is %s', (phase) => {
    expect(podMetricsOf(pod({}, { phase }), NOW)).toBeUndefined();
  });
});

describe('usage of a node', () => {
  const node = (ready: string): Node => ({
    metadata: { name: 'node-1' },
    spec: {},
    status: { conditions: [{ type: 'Ready', status: ready }] },
  });

  it('is that of its pods and its own', () => {
    const pods = [
      pod({ 'kubemu.io/usage-cpu': '200m', 'kubemu.io/usage-memory': '256Mi' }),
      pod({}, { phase: 'Failed' }),
    ];
    expect(nodeMetricsOf(node('True'), pods, NOW)?.usage).toEqual({ cpu: '500m', memory: '1Gi' });
  });

  it('is not known when it is not ready', () => {
    expect(nodeMetricsOf(node('Unknown'), [], NOW)).toBeUndefined();
  });
});
