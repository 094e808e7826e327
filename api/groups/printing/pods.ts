/** Table of pods. Mirrors pkg/printers/internalversion/printers.go printPod. */
import type { ContainerStatus, Pod } from '../../../openapi/generated/core-v1.ts';
import { humanAge } from '../../machinery/human-duration.ts';
import { ageOf, AGE, column, defineTable, NAME, nameOf, wide } from './columns.ts';

interface Summary {
  status: string;
  ready: number;
  total: number;
  restarts: number;
  /** When a container last ended to start again; '' when none did. */
  lastRestart: string;
}

function hasCondition(pod: Pod, type: string): boolean {
  return pod.status.conditions?.find((condition) => condition.type === type)?.status === 'True';
}

/** RFC 3339 times in UTC with whole seconds compare as text. */
function later(a: string, b: string | null | undefined): string {
  return b !== undefined && b !== null && b > a ? b : a;
}

function lastEnd(container: ContainerStatus): string | undefined {
  return container.lastState?.terminated?.finishedAt;
}

/** What an init container that has not finished tells. Undefined when it has, or runs as a sidecar should. */
function initStatus(
  container: ContainerStatus,
  isSidecar: boolean,
  index: number,
  count: number,
): string | undefined {
  const { terminated, waiting } = container.state ?? {};
  if (terminated?.exitCode === 0) return undefined;
  if (isSidecar && container.started === true) return undefined;
  if (terminated !== undefined) {
    if ((terminated.reason ?? '') !== '') return `Init:${terminated.reason}`;
    return (terminated.signal ?? 0) === 0
      ? `Init:ExitCode:${terminated.exitCode}`
      : `Init:Signal:${terminated.signal}`;
  }
  const reason = waiting?.reason ?? '';
  return reason !== '' && reason !== 'PodInitializing' ? `Init:${reason}` : `Init:${index}/${count}`;
}

function summarizeInit(pod: Pod, summary: Summary): { isInitializing: boolean; sidecars: Summary } {
  const init = pod.spec.initContainers ?? [];
  const sidecarNames = new Set(
    init.filter((item) => item.restartPolicy === 'Always').map((item) => item.name),
  );
  summary.total += sidecarNames.size;
  const sidecars: Summary = { ...summary, restarts: 0, lastRestart: '' };
  const statuses = pod.status.initContainerStatuses ?? [];
  for (const [index, container] of statuses.entries()) {
    const isSidecar = sidecarNames.has(container.name);
    summary.restarts += container.restartCount;
    summary.lastRestart = later(summary.lastRestart, lastEnd(container));
    if (isSidecar) {
      sidecars.restarts += container.restartCount;
      sidecars.lastRestart = later(sidecars.lastRestart, lastEnd(container));
    }
    const status = initStatus(container, isSidecar, index, init.length);
    if (status !== undefined) {
      summary.status = status;
      return { isInitializing: true, sidecars };
    }
    if (isSidecar && container.state?.terminated?.exitCode !== 0 && container.ready) summary.ready++;
  }
  return { isInitializing: false, sidecars };
}

/** What a container that does not run tells. Undefined when it tells nothing. */
function containerStatus(container: ContainerStatus): string | undefined {
  const { terminated, waiting } = container.state ?? {};
  if ((waiting?.reason ?? '') !== '') return waiting?.reason;
  if (terminated === undefined) return undefined;
  if ((terminated.reason ?? '') !== '') return terminated.reason;
  return (terminated.signal ?? 0) === 0 ? `ExitCode:${terminated.exitCode}` : `Signal:${terminated.signal}`;
}

function summarizeContainers(pod: Pod, summary: Summary): void {
  let isRunning = false;
  let failure = '';
  for (const container of [...(pod.status.containerStatuses ?? [])].reverse()) {
    summary.restarts += container.restartCount;
    summary.lastRestart = later(summary.lastRestart, lastEnd(container));
    const status = containerStatus(container);
    if (status !== undefined) {
      summary.status = status;
      if ((container.state?.waiting?.reason ?? '') === '' && container.state?.terminated?.exitCode !== 0) {
        failure = status;
      }
    } else if (container.ready && container.state?.running !== undefined) {
      isRunning = true;
      summary.ready++;
    }
  }
  if (summary.status !== 'Completed') return;
  if (isRunning && hasCondition(pod, 'Ready')) summary.status = 'Running';
  else if (failure !== '') summary.status = failure;
  else if (isRunning) summary.status = 'NotReady';
}

function summarize(pod: Pod): Summary {
  const { status } = pod;
  const phase = status.phase ?? '';
  const summary: Summary = {
    status: (status.reason ?? '') === '' ? phase : status.reason!,
    ready: 0,
    total: pod.spec.containers.length,
    restarts: 0,
    lastRestart: '',
  };
  const isGated = status.conditions?.some(
    (condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated',
  );
  if (isGated === true) summary.status = 'SchedulingGated';
  const { isInitializing, sidecars } = summarizeInit(pod, summary);
  if (!isInitializing || hasCondition(pod, 'Initialized')) {
    summary.restarts = sidecars.restarts;
    summary.lastRestart = sidecars.lastRestart;
    summarizeContainers(pod, summary);
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') summary.status = 'Unknown';
    else if (phase !== 'Succeeded' && phase !== 'Failed') summary.status = 'Terminating';
  }
  return summary;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  return `${gates.filter((gate) => hasCondition(pod, gate.conditionType)).length}/${gates.length}`;
}

const orNone = (text: string | undefined): string => (text === undefined || text === '' ? '<none>' : text);

export const podTable = defineTable<Pod>({
  columns: [
    NAME,
    column('Ready', 'Containers that are ready, of all.'),
    column('Status', 'What the pod and its containers are doing.'),
    column('Restarts', 'How often containers were restarted, and when last.'),
    AGE,
    wide('IP', 'First address of the pod.'),
    wide('Node', 'Node the pod is bound to.'),
    wide('Nominated Node', 'Node that room is being made on for the pod.'),
    wide('Readiness Gates', 'Readiness gates that are true, of all.'),
  ],
  cells(pod, context) {
    const { ready, total, status, restarts, lastRestart } = summarize(pod);
    const when = restarts === 0 || lastRestart === '' ? '' : ` (${humanAge(lastRestart, context.nowMs)} ago)`;
    return [
      nameOf(pod),
      `${ready}/${total}`,
      status,
      `${restarts}${when}`,
      ageOf(pod, context),
      orNone(pod.status.podIPs?.[0]?.ip),
      orNone(pod.spec.nodeName),
      orNone(pod.status.nominatedNodeName),
      readinessGates(pod),
    ];
  },
  conditions({ status }) {
    const completed = { type: 'Completed', status: 'True' };
    switch (status.phase) {
      case 'Succeeded':
        return [{ ...completed, reason: 'Succeeded', message: 'The pod has completed successfully.' }];
      case 'Failed':
        return [{ ...completed, reason: 'Failed', message: 'The pod failed.' }];
      default:
        return [];
    }
  },
});
