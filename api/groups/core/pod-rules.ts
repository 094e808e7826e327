/**
 * What the rules of pod specs depend on beyond the spec. Every tolerance is for what is stored already: an update may keep
 * what a new pod may not have. Mirrors PodValidationOptions of pkg/apis/core/validation and pkg/api/pod/util.go.
 */
import type { ObjectMeta } from '../../machinery/object-meta.ts';
import type { Container, PodSpec } from '../../../openapi/generated/core-v1.ts';

export interface PodRules {
  /** A pod, not a template. */
  readonly isPod?: boolean;
  /** Metadata of the pod, when the name of its claims matters. */
  readonly meta?: ObjectMeta;
  readonly allowInvalidDeletionCost?: boolean;
  readonly allowInvalidSelectorValue?: boolean;
  readonly allowInvalidNodeAffinityValue?: boolean;
  readonly allowInvalidSpreadSelector?: boolean;
  /** Match label keys are checked by the rule before 1.34. */
  readonly hasOldMatchLabelKeys?: boolean;
  readonly allowIndivisibleHugePages?: boolean;
  readonly allowNonLocalTokenPath?: boolean;
  readonly allowHostSysctls?: boolean;
  /** The feature of mounting with a label is off; what was stored under it stays. */
  readonly allowSELinuxMountOption?: boolean;
  readonly allowRestartOfInitContainers?: boolean;
  readonly allowHostUsersWithDevices?: boolean;
  readonly allowHostUsersWithHostNetwork?: boolean;
}

/** Every container of a spec with its kind, in upstream's order of visiting. */
export function visitContainers(
  spec: PodSpec,
  visit: (
    container: Container,
    list: 'initContainers' | 'containers' | 'ephemeralContainers',
    index: number,
  ) => void,
): void {
  spec.initContainers?.forEach((container, index) => visit(container, 'initContainers', index));
  spec.containers?.forEach((container, index) => visit(container, 'containers', index));
  spec.ephemeralContainers?.forEach((container, index) =>
    visit(container as Container, 'ephemeralContainers', index),
  );
}

/** Restarts beside the others instead of running to its end before them. */
export function isRestartable({ restartPolicy }: Container): boolean {
  return restartPolicy === 'Always';
}

const IPC_SYSCTLS = new Set([
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
  'kernel.shm',
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.msg',
]);

/** Why a sysctl cannot be set in a pod that shares the namespace it belongs to. Mirrors ValidateHostSysctl. */
export function hostSysctlProblem(name: string, spec: PodSpec): string | undefined {
  const slashed = /^[^./]*\//.test(name);
  const dotted = slashed ? name.replaceAll(/[./]/g, (found) => (found === '/' ? '.' : '/')) : name;
  const prefix = dotted.split('*', 1)[0]!;
  if (spec.hostNetwork === true && prefix.startsWith('net.'))
    return "may not be specified when 'hostNetwork' is true";
  const isIPC = IPC_SYSCTLS.has(prefix) || prefix.startsWith('fs.mqueue.');
  return spec.hostIPC === true && isIPC ? "may not be specified when 'hostIPC' is true" : undefined;
}
