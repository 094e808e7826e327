import type { StorageClass } from '../../../openapi/generated/storage-v1.ts';

const ANNOTATIONS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** Whether claims that name no class are to get this one. Mirrors pkg/volume/util IsDefaultAnnotation. */
export function isDefaultClass({ metadata }: StorageClass): boolean {
  return ANNOTATIONS.some((name) => metadata.annotations?.[name] === 'true');
}
