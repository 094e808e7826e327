import type { Pod, Toleration } from '../../openapi/generated/core-v1.ts';
import type { AdmissionPlugin } from './plugin.ts';

const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const TOLERATION_SECONDS = 300;

/** Lets pods stay five minutes on a node that is not ready or not reachable, unless they say otherwise. */
export function defaultTolerationSeconds(): AdmissionPlugin {
  return {
    name: 'DefaultTolerationSeconds',
    admit: ({ definition, operation, subresource, object }) => {
      if (
        operation !== 'CREATE' ||
        subresource !== '' ||
        definition.group !== '' ||
        definition.names.plural !== 'pods'
      )
        return;
      const { spec } = object as unknown as Pod;
      const missing = TAINTS.filter(
        (key) => !(spec.tolerations ?? []).some((toleration) => covers(toleration, key)),
      );
      if (missing.length === 0) return;
      const added = missing.map((key): Toleration => ({
        key,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: TOLERATION_SECONDS,
      }));
      spec.tolerations = [...(spec.tolerations ?? []), ...added];
    },
  };
}

function covers({ key = '', effect = '' }: Toleration, taint: string): boolean {
  return (key === taint || key === '') && (effect === 'NoExecute' || effect === '');
}
