import type { Node } from '../../openapi/generated/core-v1.ts';
import type { AdmissionPlugin } from './plugin.ts';

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** New nodes take no pods until they are known to be ready. */
export function taintNodesByCondition(): AdmissionPlugin {
  return {
    name: 'TaintNodesByCondition',
    admit: ({ definition, operation, subresource, object }) => {
      if (
        operation !== 'CREATE' ||
        subresource !== '' ||
        definition.group !== '' ||
        definition.names.plural !== 'nodes'
      )
        return;
      const { spec } = object as unknown as Node;
      if (
        spec.taints?.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect) === true
      )
        return;
      spec.taints = [...(spec.taints ?? []), { ...NOT_READY }];
    },
  };
}
