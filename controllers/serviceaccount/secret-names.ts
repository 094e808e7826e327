/** Secrets that a pod refers to. */
import type { Container, Pod } from '../../openapi/generated/core-v1.ts';

type Names = readonly (string | undefined)[];

/** Every secret the pod names: for images, volumes and environments, optional or not. Mirrors pod VisitPodSecretNames. */
export function secretNames({ spec }: Pod): string[] {
  const containers = [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...(spec.ephemeralContainers ?? []),
  ];
  const names: Names = [
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...containers.flatMap(namesOfEnvironment),
    ...(spec.volumes ?? []).flatMap(namesOfVolume),
  ];
  return [...new Set(names.filter((name): name is string => name !== undefined && name !== ''))];
}

function namesOfEnvironment({ env = [], envFrom = [] }: Pick<Container, 'env' | 'envFrom'>): Names {
  return [
    ...envFrom.map(({ secretRef }) => secretRef?.name),
    ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
  ];
}

function namesOfVolume(volume: NonNullable<Pod['spec']['volumes']>[number]): Names {
  return [
    volume.secret?.secretName,
    volume.azureFile?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.storageos?.secretRef?.name,
    ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
  ];
}
