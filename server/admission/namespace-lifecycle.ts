import { newForbidden, newNotFound } from '../../api/machinery/errors.ts';
import type { AdmissionContext } from './index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './plugin.ts';

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);
const NAMESPACES = { group: '', resource: 'namespaces' };
/** Questions about access are answered in namespaces that are going, or not there. */
const ACCESS_REVIEWS = new Set(['localsubjectaccessreviews']);

/** Nothing is created in a namespace that is missing or ending; the basic namespaces cannot be deleted. */
export function namespaceLifecycle({ reader }: AdmissionContext): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    admit: (request) => {
      const { definition, operation, namespace } = request;
      if (
        operation === 'DELETE' &&
        definition.group === '' &&
        definition.names.plural === 'namespaces' &&
        IMMORTAL.has(request.name)
      ) {
        throw newForbidden(NAMESPACES, request.name, 'this namespace may not be deleted');
      }
      if (operation !== 'CREATE' || !definition.namespaced || ACCESS_REVIEWS.has(definition.names.plural))
        return;
      const found = reader.get(NAMESPACES, '', namespace);
      if (found === undefined) throw newNotFound(NAMESPACES, namespace);
      if (found.metadata.deletionTimestamp !== undefined) throw terminating(request, namespace);
    },
  };
}

function terminating({ definition, name }: AdmissionRequest, namespace: string): Error {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return newForbidden({ group: definition.group, resource: definition.names.plural }, name, why, [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ]);
}
