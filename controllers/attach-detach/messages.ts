import type { Pod } from '../../openapi/generated/core-v1.ts';

/** Why a pod's volume is not attached: pods of other namespaces are counted, not named. Mirrors reportMultiAttachError. */
export function multiAttachMessage(volume: string, pod: Pod, others: readonly Pod[]): string {
  const near = others.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace);
  const far = others.length - near.length;
  const elsewhere = `${far} pod(s) in different namespaces`;
  const named = near.map(({ metadata }) => metadata.name).join(', ');
  const why =
    others.length === 0
      ? "Volume is already exclusively attached to one node and can't be attached to another"
      : near.length === 0
        ? `Volume is already used by ${elsewhere}`
        : `Volume is already used by pod(s) ${named}${far === 0 ? '' : ` and ${elsewhere}`}`;
  return `Multi-Attach error for volume "${volume}" ${why}`;
}
