/** What writes of status must not touch, for kinds that protect their metadata too. */
import type { KubeObject } from '../../machinery/object-meta.ts';

const KEPT = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/** Takes the metadata that users own over from `old`. Mirrors metav1 ResetObjectMetaForStatus. */
export function keepMetadata(object: KubeObject, old: KubeObject): void {
  const metadata: Record<string, unknown> = object.metadata as Record<string, unknown>;
  for (const name of KEPT) {
    const value = old.metadata[name];
    if (value === undefined) delete metadata[name];
    else metadata[name] = structuredClone(value);
  }
}
