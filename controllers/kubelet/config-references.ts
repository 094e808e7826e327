/** The ConfigMaps and Secrets a pod cannot start without. */
import type { Container, Pod } from '../../openapi/generated/core-v1.ts';

export interface ConfigReference {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  /** Key that must be there; absent: the object is enough. */
  readonly key?: string;
  /** Volume that needs it, ... */
  readonly volume?: string;
  /** ... or container whose environment needs it. */
  readonly container?: string;
}

/** Every reference that is not marked optional. */
export function configReferences(pod: Pod): ConfigReference[] {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return [...volumeReferences(pod), ...containers.flatMap(environmentReferences)];
}

function volumeReferences(pod: Pod): ConfigReference[] {
  const references: ConfigReference[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    const add = (
      kind: 'ConfigMap' | 'Secret',
      name: string | undefined,
      optional: boolean | undefined,
    ): void => {
      if (name !== undefined && name !== '' && optional !== true)
        references.push({ kind, name, volume: volume.name });
    };
    add('ConfigMap', volume.configMap?.name, volume.configMap?.optional);
    add('Secret', volume.secret?.secretName, volume.secret?.optional);
    for (const source of volume.projected?.sources ?? []) {
      add('ConfigMap', source.configMap?.name, source.configMap?.optional);
      add('Secret', source.secret?.name, source.secret?.optional);
    }
  }
  return references;
}

function environmentReferences(container: Container): ConfigReference[] {
  const references: ConfigReference[] = [];
  const add = (
    kind: 'ConfigMap' | 'Secret',
    source: { name?: string; optional?: boolean; key?: string } | undefined,
  ): void => {
    if (source?.name === undefined || source.name === '' || source.optional === true) return;
    references.push({ kind, name: source.name, key: source.key, container: container.name });
  };
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    add('ConfigMap', configMapRef);
    add('Secret', secretRef);
  }
  for (const { valueFrom } of container.env ?? []) {
    add('ConfigMap', valueFrom?.configMapKeyRef);
    add('Secret', valueFrom?.secretKeyRef);
  }
  return references;
}
