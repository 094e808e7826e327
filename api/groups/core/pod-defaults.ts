/** Defaults of pod specs, wherever they stand. Mirrors pkg/apis/core/v1/defaults.go. */
import type { Container, PodSpec, Probe, Volume } from '../../../openapi/generated/core-v1.ts';

const FILE_MODE = 0o644;

/** Fills in a pod spec, in place. */
export function setPodSpecDefaults(spec: PodSpec): void {
  spec.dnsPolicy ??= 'ClusterFirst';
  spec.restartPolicy ??= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ??= 'default-scheduler';
  spec.enableServiceLinks ??= true;
  if ((spec.serviceAccountName ?? '') === '' && (spec.serviceAccount ?? '') !== '')
    spec.serviceAccountName = spec.serviceAccount;
  if ((spec.serviceAccountName ?? '') !== '') spec.serviceAccount = spec.serviceAccountName;
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  for (const container of spec.initContainers ?? []) setContainerDefaults(container, spec);
  for (const container of spec.containers ?? []) setContainerDefaults(container, spec);
  for (const container of spec.ephemeralContainers ?? []) setContainerDefaults(container, spec);
}

function setContainerDefaults(container: Container, spec: PodSpec): void {
  container.imagePullPolicy ??= isLatest(container.image ?? '') ? 'Always' : 'IfNotPresent';
  container.terminationMessagePath ??= '/dev/termination-log';
  container.terminationMessagePolicy ??= 'File';
  for (const port of container.ports ?? []) {
    port.protocol ??= 'TCP';
    if (spec.hostNetwork === true) port.hostPort ??= port.containerPort;
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef !== undefined) valueFrom.fieldRef.apiVersion ??= 'v1';
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe !== undefined) setProbeDefaults(probe);
  }
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (handler?.httpGet !== undefined) setHTTPDefaults(handler.httpGet);
  }
  const { resources } = container;
  if (resources?.limits !== undefined) resources.requests = { ...resources.limits, ...resources.requests };
}

/** A tag of `latest`, or none at all. */
function isLatest(image: string): boolean {
  if (image.includes('@')) return false;
  const name = image.slice(image.lastIndexOf('/') + 1);
  return !name.includes(':') || name.endsWith(':latest');
}

function setProbeDefaults(probe: Probe): void {
  probe.timeoutSeconds ??= 1;
  probe.periodSeconds ??= 10;
  probe.successThreshold ??= 1;
  probe.failureThreshold ??= 3;
  if (probe.httpGet !== undefined) setHTTPDefaults(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
}

function setHTTPDefaults(action: NonNullable<Probe['httpGet']>): void {
  action.path ??= '/';
  action.scheme ??= 'HTTP';
}

const NOT_SOURCES = new Set(['name']);

function setVolumeDefaults(volume: Volume): void {
  const hasSource = Object.entries(volume).some(
    ([key, value]) => !NOT_SOURCES.has(key) && value !== undefined,
  );
  if (!hasSource) volume.emptyDir = {};
  if (volume.secret !== undefined) volume.secret.defaultMode ??= FILE_MODE;
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= FILE_MODE;
  if (volume.hostPath !== undefined) volume.hostPath.type ??= '';
  if (volume.iscsi !== undefined) volume.iscsi.iscsiInterface ??= 'default';
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= FILE_MODE;
    for (const { fieldRef } of volume.downwardAPI.items ?? [])
      if (fieldRef !== undefined) fieldRef.apiVersion ??= 'v1';
  }
  if (volume.projected !== undefined) setProjectedDefaults(volume.projected);
  if (volume.ephemeral?.volumeClaimTemplate !== undefined)
    volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem';
}

function setProjectedDefaults(projected: NonNullable<Volume['projected']>): void {
  projected.defaultMode ??= FILE_MODE;
  for (const source of projected.sources ?? []) {
    if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= 3600;
    for (const { fieldRef } of source.downwardAPI?.items ?? [])
      if (fieldRef !== undefined) fieldRef.apiVersion ??= 'v1';
  }
}
