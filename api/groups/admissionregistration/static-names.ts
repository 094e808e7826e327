import type { KubeObject } from '../../machinery/object-meta.ts';

const SUFFIX = '.static.k8s.io';

/** Warns of names that configurations from files have. Mirrors admissionregistration/validation WarningsForStaticSuffix. */
export function staticNameWarnings({ metadata }: KubeObject): string[] {
  if (metadata.name?.endsWith(SUFFIX) !== true) return [];
  return [
    `metadata.name: names ending with "${SUFFIX}" are reserved for static manifest-based configurations and cannot be managed via the API`,
  ];
}
