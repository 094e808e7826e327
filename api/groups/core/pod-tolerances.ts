/** What an update of a pod may keep though a new pod may not have it. Mirrors pkg/api/pod/util.go. */
import { path } from '../../machinery/field-path.ts';
import type { Container, PodSpec } from '../../../openapi/generated/core-v1.ts';
import { addLabelSelector, addLocalPath, type Findings } from '../common/findings.ts';
import { hasInvalidNodeSelectorValue } from '../common/node-selectors.ts';
import { isDivisibleByPage, isHugePages } from '../common/resources.ts';
import { addLabelKeys, affinityTerms } from './pod-affinity.ts';
import { deletionCostProblem } from './pod-annotations.ts';
import { hostSysctlProblem, type PodRules, visitContainers } from './pod-rules.ts';

function everyContainer(spec: PodSpec): Container[] {
  const all: Container[] = [];
  visitContainers(spec, (container) => all.push(container));
  return all;
}

/** The rules for a change of what stood in `old`; without it, those for what is new. */
export function podRules(
  old?: PodSpec,
  oldMeta?: { readonly annotations?: Readonly<Record<string, string>> },
): PodRules {
  if (old === undefined) return {};
  return {
    allowInvalidDeletionCost: deletionCostProblem(oldMeta?.annotations) !== undefined,
    allowInvalidSelectorValue: affinityTerms(old).some(
      ({ labelSelector, namespaceSelector }) =>
        isInvalidSelector(labelSelector) || isInvalidSelector(namespaceSelector),
    ),
    allowInvalidNodeAffinityValue: hasInvalidNodeSelectorValue(
      old.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms,
    ),
    allowInvalidSpreadSelector: hasInvalidSpreadSelector(old),
    hasOldMatchLabelKeys: hasOldMatchLabelKeys(old),
    allowIndivisibleHugePages: hasIndivisibleHugePages(old),
    allowNonLocalTokenPath: hasNonLocalTokenPath(old),
    allowHostSysctls: (old.securityContext?.sysctls ?? []).some(
      ({ name }) => hostSysctlProblem(name, old) !== undefined,
    ),
    allowSELinuxMountOption: old.securityContext?.seLinuxChangePolicy !== undefined,
    allowRestartOfInitContainers: (old.initContainers ?? []).some(
      ({ restartPolicy, resizePolicy = [] }) =>
        restartPolicy !== 'Always' &&
        resizePolicy.some((policy) => policy.restartPolicy === 'RestartContainer'),
    ),
    allowHostUsersWithDevices:
      old.hostUsers === false &&
      everyContainer(old).some(({ volumeDevices = [] }) => volumeDevices.length > 0),
    allowHostUsersWithHostNetwork: old.hostUsers === false && old.hostNetwork === true,
  };
}

function isInvalidSelector(selector: Parameters<typeof addLabelSelector>[2]): boolean {
  const errors: Findings = [];
  addLabelSelector(errors, path(), selector);
  return errors.length > 0;
}

function hasInvalidSpreadSelector({ topologySpreadConstraints = [] }: PodSpec): boolean {
  return topologySpreadConstraints.some(({ labelSelector }) => isInvalidSelector(labelSelector));
}

function hasOldMatchLabelKeys({ topologySpreadConstraints = [] }: PodSpec): boolean {
  return topologySpreadConstraints.some(({ matchLabelKeys, labelSelector }) => {
    const errors: Findings = [];
    addLabelKeys(errors, path(), { matchLabelKeys, labelSelector });
    return errors.length > 0;
  });
}

function hasIndivisibleHugePages(spec: PodSpec): boolean {
  return everyContainer(spec).some(({ resources }) =>
    [...Object.entries(resources?.limits ?? {}), ...Object.entries(resources?.requests ?? {})].some(
      ([name, value]) => isHugePages(name) && !isDivisibleByPage(name, value),
    ),
  );
}

function hasNonLocalTokenPath({ volumes = [] }: PodSpec): boolean {
  return volumes.some(({ projected }) =>
    (projected?.sources ?? []).some(({ serviceAccountToken }) => {
      if (serviceAccountToken === undefined) return false;
      const errors: Findings = [];
      addLocalPath(errors, path(), serviceAccountToken.path ?? '');
      return errors.length > 0;
    }),
  );
}
