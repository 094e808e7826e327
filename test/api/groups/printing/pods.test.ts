import { describe, expect, it } from 'vitest';
import type { ContainerStatus, Pod } from '../../../../openapi/generated/core-v1.ts';
import { podTable } from '../../../../api/groups/printing/pods.ts';
import type { UnknownObject } from '../../../../api/machinery/object-meta.ts';

const nowMs = Date.UTC(2026, 0, 1, 1, 0, 0);

type Change = Partial<Pick<Pod, 'metadata' | 'spec' | 'status'>>;

function cells(change: Change): unknown[] {
  const pod = {
    metadata: { name: 'p', creationTimestamp: '2026-01-01T00:00:00Z', ...change.metadata },
    spec: { containers: [{ name: 'a' }, { name: 'b' }], ...change.spec },
    status: { phase: 'Running', ...change.status },
  };
  return podTable.cells(pod as unknown as UnknownObject, { nowMs });
}

function container(name: string, change: Partial<ContainerStatus> = {}): ContainerStatus {
  return { name, ready: false, restartCount: 0, image: '', imageID: '', state: {}, lastState: {}, ...change };
}

const running = (name: string, change: Partial<ContainerStatus> = {}): ContainerStatus =>
  container(name, { ready: true, started: true, state: { running: {} }, ...change });
const waiting = (name: string, reason: string): ContainerStatus =>
  container(name, { state: { waiting: { reason } } });
const ended = (name: string, exitCode: number, reason?: string, signal?: number): ContainerStatus =>
  container(name, { state: { terminated: { exitCode, reason, signal } } });
const READY = { type: 'Ready', status: 'True', lastTransitionTime: '' };

interface Case {
  readonly name: string;
  readonly change: Change;
  /** READY, STATUS, RESTARTS */
  readonly want: [string, string, string];
}

const spec = (initContainers: Pod['spec']['initContainers'] = []): Pod['spec'] =>
  ({ containers: [{ name: 'a' }, { name: 'b' }], initContainers }) as Pod['spec'];
const twoInits = spec([{ name: 'i' }, { name: 'j' }] as Pod['spec']['initContainers']);
const sidecar = spec([
  { name: 's', restartPolicy: 'Always' },
  { name: 'i' },
] as Pod['spec']['initContainers']);

const cases: Case[] = [
  { name: 'pending', change: { status: { phase: 'Pending' } }, want: ['0/2', 'Pending', '0'] },
  {
    name: 'running',
    change: {
      status: { phase: 'Running', conditions: [READY], containerStatuses: [running('a'), running('b')] },
    },
    want: ['2/2', 'Running', '0'],
  },
  {
    name: 'reason of the pod',
    change: { status: { phase: 'Failed', reason: 'Evicted' } },
    want: ['0/2', 'Evicted', '0'],
  },
  {
    name: 'gated',
    change: {
      status: {
        phase: 'Pending',
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', lastTransitionTime: '' },
        ],
      },
    },
    want: ['0/2', 'SchedulingGated', '0'],
  },
  {
    name: 'a waiting container, the first one told',
    change: {
      status: {
        phase: 'Pending',
        containerStatuses: [waiting('a', 'ErrImagePull'), waiting('b', 'ContainerCreating')],
      },
    },
    want: ['0/2', 'ErrImagePull', '0'],
  },
  {
    name: 'an ended container by reason',
    change: { status: { phase: 'Failed', containerStatuses: [ended('a', 1, 'Error'), running('b')] } },
    want: ['1/2', 'Error', '0'],
  },
  {
    name: 'an ended container by exit code',
    change: { status: { phase: 'Failed', containerStatuses: [ended('a', 3)] } },
    want: ['0/2', 'ExitCode:3', '0'],
  },
  {
    name: 'an ended container by signal',
    change: { status: { phase: 'Failed', containerStatuses: [ended('a', 3, undefined, 9)] } },
    want: ['0/2', 'Signal:9', '0'],
  },
  {
    name: 'completed with another running and ready',
    change: {
      status: {
        phase: 'Running',
        conditions: [READY],
        containerStatuses: [ended('a', 0, 'Completed'), running('b')],
      },
    },
    want: ['1/2', 'Running', '0'],
  },
  {
    name: 'completed with another running but not ready',
    change: { status: { phase: 'Running', containerStatuses: [ended('a', 0, 'Completed'), running('b')] } },
    want: ['1/2', 'NotReady', '0'],
  },
  {
    name: 'completed hides a failure no longer',
    change: {
      status: { phase: 'Failed', containerStatuses: [ended('a', 0, 'Completed'), ended('b', 1, 'Error')] },
    },
    want: ['0/2', 'Error', '0'],
  },
  {
    name: 'restarts with the last of them',
    change: {
      status: {
        phase: 'Running',
        conditions: [READY],
        containerStatuses: [
          running('a', {
            restartCount: 2,
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:55:00Z' } },
          }),
          running('b', {
            restartCount: 1,
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:50:00Z' } },
          }),
        ],
      },
    },
    want: ['2/2', 'Running', '3 (5m ago)'],
  },
  {
    name: 'first init container running',
    change: {
      spec: twoInits,
      status: { phase: 'Pending', initContainerStatuses: [running('i'), waiting('j', 'PodInitializing')] },
    },
    want: ['0/2', 'Init:0/2', '0'],
  },
  {
    name: 'second init container waiting to start',
    change: {
      spec: twoInits,
      status: {
        phase: 'Pending',
        initContainerStatuses: [ended('i', 0, 'Completed'), waiting('j', 'PodInitializing')],
      },
    },
    want: ['0/2', 'Init:1/2', '0'],
  },
  {
    name: 'init container that cannot start',
    change: {
      spec: twoInits,
      status: { phase: 'Pending', initContainerStatuses: [waiting('i', 'CrashLoopBackOff')] },
    },
    want: ['0/2', 'Init:CrashLoopBackOff', '0'],
  },
  {
    name: 'init container failed',
    change: {
      spec: twoInits,
      status: {
        phase: 'Pending',
        initContainerStatuses: [{ ...ended('i', 2, 'Error'), restartCount: 4 }],
        containerStatuses: [{ ...waiting('a', 'PodInitializing'), restartCount: 7 }],
      },
    },
    want: ['0/2', 'Init:Error', '4'],
  },
  {
    name: 'init container failed without a reason',
    change: { spec: twoInits, status: { phase: 'Pending', initContainerStatuses: [ended('i', 2)] } },
    want: ['0/2', 'Init:ExitCode:2', '0'],
  },
  {
    name: 'init container killed',
    change: {
      spec: twoInits,
      status: { phase: 'Pending', initContainerStatuses: [ended('i', 2, undefined, 9)] },
    },
    want: ['0/2', 'Init:Signal:9', '0'],
  },
  {
    name: 'sidecar counts and its restarts stay',
    change: {
      spec: sidecar,
      status: {
        phase: 'Running',
        conditions: [READY],
        initContainerStatuses: [
          running('s', { restartCount: 2 }),
          { ...ended('i', 0, 'Completed'), restartCount: 5 },
        ],
        containerStatuses: [running('a'), running('b')],
      },
    },
    want: ['3/3', 'Running', '2'],
  },
  {
    name: 'sidecar that has not started',
    change: {
      spec: sidecar,
      status: { phase: 'Pending', initContainerStatuses: [running('s', { started: false })] },
    },
    want: ['0/3', 'Init:0/2', '0'],
  },
  {
    name: 'initialized in spite of a sidecar that failed',
    change: {
      spec: sidecar,
      status: {
        phase: 'Running',
        conditions: [READY, { type: 'Initialized', status: 'True', lastTransitionTime: '' }],
        initContainerStatuses: [ended('s', 1, 'Error')],
        containerStatuses: [running('a'), running('b')],
      },
    },
    want: ['2/3', 'Init:Error', '0'],
  },
  {
    name: 'terminating',
    change: { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    want: ['0/2', 'Terminating', '0'],
  },
  {
    name: 'ended and being deleted',
    change: { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, status: { phase: 'Succeeded' } },
    want: ['0/2', 'Succeeded', '0'],
  },
  {
    name: 'deleted on a lost node',
    change: {
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: { phase: 'Running', reason: 'NodeLost' },
    },
    want: ['0/2', 'Unknown', '0'],
  },
];

describe('pod table', () => {
  for (const { name, change, want } of cases) {
    it(name, () => expect(cells(change).slice(1, 4)).toEqual(want));
  }

  it('shows age, addresses, nodes and readiness gates', () => {
    const row = cells({
      spec: {
        containers: [{ name: 'a' }],
        nodeName: 'node',
        readinessGates: [{ conditionType: 'x' }, { conditionType: 'y' }],
      } as Pod['spec'],
      status: {
        phase: 'Running',
        podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
        nominatedNodeName: 'other',
        conditions: [{ type: 'y', status: 'True', lastTransitionTime: '' }],
      },
    });
    expect(row[0]).toBe('p');
    expect(row.slice(4)).toEqual(['60m', '10.0.0.1', 'node', 'other', '1/2']);
    expect(cells({}).slice(5)).toEqual(['<none>', '<none>', '<none>', '<none>']);
  });

  it('marks pods that ended', () => {
    const conditions = (phase: string): unknown =>
      podTable.conditions?.({ metadata: {}, spec: {}, status: { phase } });
    expect(conditions('Running')).toEqual([]);
    expect(conditions('Succeeded')).toEqual([
      {
        type: 'Completed',
        status: 'True',
        reason: 'Succeeded',
        message: 'The pod has completed successfully.',
      },
    ]);
    expect(conditions('Failed')).toEqual([
      { type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' },
    ]);
  });
});
