import { compareText } from '../../api/machinery/go-format.ts';
import type { Ingress, IngressClass } from '../../openapi/generated/networking-v1.ts';
import type { AdmissionContext } from './index.ts';
import type { AdmissionPlugin } from './plugin.ts';

const CLASSES = { group: 'networking.k8s.io', resource: 'ingressclasses' };
const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

/** Ingresses that name no class get the default one, the newest if there are several. */
export function defaultIngressClass({ reader }: AdmissionContext): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    admit: ({ definition, operation, subresource, object }) => {
      const isIngress = definition.group === CLASSES.group && definition.names.plural === 'ingresses';
      if (!isIngress || operation !== 'CREATE' || subresource !== '') return;
      const ingress = object as unknown as Ingress;
      const spec = (ingress.spec ??= {});
      if (spec.ingressClassName !== undefined) return;
      if (ingress.metadata.annotations?.[CLASS_ANNOTATION] !== undefined) return;
      const classes = reader.list(CLASSES) as unknown as readonly IngressClass[];
      const newest = classes
        .filter(({ metadata }) => metadata.annotations?.[DEFAULT_ANNOTATION] === 'true')
        .sort(
          ({ metadata: a }, { metadata: b }) =>
            compareText(b.creationTimestamp!, a.creationTimestamp!) || compareText(a.name!, b.name!),
        )[0];
      if (newest !== undefined) spec.ingressClassName = newest.metadata.name;
    },
  };
}
