/** Features of kubelets that pods cannot do without, and that nodes say they have. Mirrors nodedeclaredfeatures. */
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import { unresolvable, type Plugin } from '../plugin.ts';

const NAME = 'NodeDeclaredFeatures';

export const nodeDeclaredFeatures: Plugin = {
  name: NAME,
  prepare: ({ pod }) => {
    const wanted = featuresOf(pod);
    if (wanted.length === 0) return undefined;
    return {
      filter: ({ node }) =>
        wanted.every((feature) => node.status.declaredFeatures?.includes(feature))
          ? undefined
          : unresolvable(NAME, "node(s) didn't match Pod's required features"),
    };
  },
  mayHelp: (_pod, event) =>
    event.kind === 'node-added' ||
    (event.kind === 'node-updated' &&
      JSON.stringify(event.old.status.declaredFeatures) !==
        JSON.stringify(event.node.status.declaredFeatures)),
};

function featuresOf({ spec }: Pod): string[] {
  const features: string[] = [];
  const restartsAll = [...spec.containers, ...(spec.initContainers ?? [])].some(({ restartPolicyRules }) =>
    restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  );
  if (restartsAll) features.push('RestartAllContainersOnContainerExits');
  if (spec.hostNetwork === true && spec.hostUsers === false)
    features.push('UserNamespacesHostNetworkSupport');
  return features;
}
