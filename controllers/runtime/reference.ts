import type { KubeObject } from '../../api/machinery/object-meta.ts';

/** An object as events name it whose recorder has a reference to it: they do not say at which version. */
export function referenceTo({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { namespace, name, uid } = metadata;
  return { apiVersion, kind, metadata: { ...(namespace !== undefined && { namespace }), name, uid } };
}
