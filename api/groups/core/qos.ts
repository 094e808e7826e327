/** Quality of service of a pod. Mirrors pkg/apis/core/helper/qos. */
import type { PodSpec } from '../../../openapi/generated/core-v1.ts';
import { quantityOf } from '../common/resources.ts';

const COMPUTE = ['cpu', 'memory'];

type List = Readonly<Record<string, string>> | undefined;

function addAmounts(sum: Map<string, bigint>, list: List): number {
  let found = 0;
  for (const name of COMPUTE) {
    const { nano } = quantityOf(list?.[name]);
    if (nano <= 0n) continue;
    found++;
    sum.set(name, (sum.get(name) ?? 0n) + nano);
  }
  return found;
}

/**
 * Guaranteed: every container limits CPU and memory, and together they request as much. BestEffort: nothing is asked for.
 * Burstable: the rest. Resources of the pod as a whole decide alone, where there are some.
 */
export function qosClass({ containers, initContainers, resources }: PodSpec): string {
  const requests = new Map<string, bigint>();
  const limits = new Map<string, bigint>();
  const owners =
    resources === undefined
      ? [...(containers ?? []), ...(initContainers ?? [])].map((own) => own.resources)
      : [resources];
  let isGuaranteed = true;
  for (const own of owners) {
    addAmounts(requests, own?.requests);
    const limited = addAmounts(limits, own?.limits);
    const isLimitless = resources !== undefined && Object.keys(own?.limits ?? {}).length === 0;
    if (limited < COMPUTE.length && !isLimitless) isGuaranteed = false;
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  const isEqual = [...requests].every(([name, nano]) => limits.get(name) === nano);
  return isGuaranteed && isEqual && requests.size === limits.size ? 'Guaranteed' : 'Burstable';
}
