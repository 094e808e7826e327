import { expect, it } from 'vitest';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { canonicalize } from '../../../api/machinery/codec.ts';
import { PodMachine } from '../../../controllers/kubelet/pod-machine.ts';
import type { Container, Pod } from '../../../openapi/generated/core-v1.ts';

const SCHEMA = builtInSchema('io.k8s.api.core.v1.Pod');

function newMachine(pod: Pod, now: () => number): PodMachine {
  return new PodMachine(pod, {
    now,
    hostIPs: ['10.0.0.1'],
    event: () => {},
    hasImage: () => false,
    addImage: () => {},
    allocateIPs: () => ['10.244.0.1'],
    configError: () => undefined,
  });
}

it.each<{ name: string; container: Partial<Container>; spec?: Partial<Pod['spec']> }>([
  { name: 'runs', container: {} },
  { name: 'has resources', container: { resources: { requests: { cpu: '100m' } } } },
  { name: 'ends', container: { image: 'busybox:1', command: ['true'] }, spec: { restartPolicy: 'Never' } },
  { name: 'crashes', container: { image: 'busybox:1', command: ['false'] } },
  { name: 'finds no image', container: { image: 'does-not-exist' } },
  { name: 'waits for others', container: {}, spec: { initContainers: [{ name: 'first', image: 'app:1' }] } },
])('says what is stored of a pod that $name, so that what did not change is seen', ({ container, spec }) => {
  let now = Date.UTC(2026, 0, 1);
  const pod = canonicalize(SCHEMA, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'uid', generation: 1 },
    spec: { containers: [{ name: 'main', image: 'app:1', ...container }], ...spec },
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  }) as unknown as Pod;
  const machine = newMachine(pod, () => now);
  for (let round = 0; round < 10; round++) {
    machine.step();
    const status = machine.status();
    const stored = canonicalize(SCHEMA, { ...pod, status });
    expect(status).toEqual(stored.status);
    machine.pod = stored as unknown as Pod;
    if (machine.dueMs === undefined) break;
    now = machine.dueMs;
  }
});

it.each<{ name: string; container: Partial<Container>; exitCode: number; phase: string }>([
  { name: 'serves', container: {}, exitCode: 0, phase: 'Succeeded' },
  { name: 'sleeps', container: { command: ['sleep', '600'] }, exitCode: 143, phase: 'Failed' },
  { name: 'sleeps for ever', container: { command: ['sleep', 'inf'] }, exitCode: 143, phase: 'Failed' },
  {
    name: 'loops',
    container: { command: ['sh', '-c', 'while true; do sleep 1; done'] },
    exitCode: 143,
    phase: 'Failed',
  },
])('a pod that $name ends with $exitCode when it is stopped', ({ container, exitCode, phase }) => {
  let now = Date.UTC(2026, 0, 1);
  const pod = canonicalize(SCHEMA, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'uid', generation: 1 },
    spec: { containers: [{ name: 'main', image: 'app:1', ...container }], restartPolicy: 'Never' },
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  }) as unknown as Pod;
  const machine = newMachine(pod, () => now);
  while (machine.status().phase !== 'Running') {
    machine.step();
    now = machine.dueMs ?? now;
  }
  machine.terminate();
  now = machine.dueMs!;
  machine.step();
  const { phase: end, containerStatuses } = machine.status();
  expect([end, containerStatuses?.[0]?.state?.terminated?.exitCode]).toEqual([phase, exitCode]);
});
