/**
 * Defaults of pods and pod templates. Templates get those of their spec; what only a pod gets (requests from limits, host
 * ports) is filled in when the pod is made. Mirrors pkg/apis/core/v1/defaults.go.
 */
import { formatQuantity } from '../../machinery/quantity.ts';
import type { Container, Pod, PodSpec, Probe, Volume } from '../../../openapi/generated/core-v1.ts';
import { isHugePages, isOvercommitAllowed, roundUpAmounts } from '../common/resources.ts';
import { setClaimDefaults } from './claim-spec.ts';
import { aggregateContainers, isPodLevelResource } from './container-resources.ts';
import { visitContainers } from './pod-rules.ts';

const FILE_MODE = 0o644;

/** Fills in a pod, in place. */
export function setPodDefaults({ spec }: Pod): void {
  if (spec === undefined) return;
  for (const list of ['containers', 'initContainers'] as const)
    for (const { resources, ports } of spec[list] ?? []) {
      if (resources?.limits !== undefined)
        resources.requests = { ...resources.limits, ...resources.requests };
      if (spec.hostNetwork === true) for (const port of ports ?? []) port.hostPort ||= port.containerPort;
    }
  if (spec.resources !== undefined) setPodLevelDefaults(spec);
  spec.enableServiceLinks ??= true;
  setPodSpecDefaults(spec);
  // Kept from times when nothing was checked; pods that have it are read as if they asked for a second.
  if (spec.terminationGracePeriodSeconds! < 0) spec.terminationGracePeriodSeconds = 1;
}

/** Resources of the whole pod follow from those of its containers, where only one side is said. */
function setPodLevelDefaults(spec: PodSpec): void {
  const resources = spec.resources!;
  const isEmpty = (list: object | undefined): boolean => Object.keys(list ?? {}).length === 0;
  if (!isEmpty(resources.limits) || !isEmpty(resources.requests)) {
    const limits = { ...resources.limits };
    for (const [name, amount] of aggregateContainers(spec, 'limits'))
      if (isHugePages(name) && resources.requests?.[name] === undefined)
        limits[name] ??= formatQuantity(amount);
    if (!isEmpty(limits)) resources.limits = limits;
  }
  if (isEmpty(resources.limits)) return;
  const requests = { ...resources.requests };
  for (const [name, amount] of aggregateContainers(spec, 'requests'))
    if (isPodLevelResource(name) && isOvercommitAllowed(name)) requests[name] ??= formatQuantity(amount);
  for (const [name, limit] of Object.entries(resources.limits ?? {}))
    if (isPodLevelResource(name)) requests[name] ??= limit;
  if (!isEmpty(requests)) resources.requests = requests;
}

/** Fills in a pod spec, in place. */
export function setPodSpecDefaults(spec: PodSpec | undefined): void {
  if (spec === undefined) return;
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  if ((spec.serviceAccountName ?? '') === '' && (spec.serviceAccount ?? '') !== '')
    spec.serviceAccountName = spec.serviceAccount;
  if ((spec.serviceAccountName ?? '') !== '') spec.serviceAccount = spec.serviceAccountName;
  roundUpAmounts(spec.overhead);
  roundUpAmounts(spec.resources?.limits);
  roundUpAmounts(spec.resources?.requests);
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  visitContainers(spec, setContainerDefaults);
}

function setContainerDefaults(container: Container): void {
  roundUpAmounts(container.resources?.limits);
  roundUpAmounts(container.resources?.requests);
  container.imagePullPolicy ||= pullPolicy(container.image);
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef !== undefined) valueFrom.fieldRef.apiVersion ||= 'v1';
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe !== undefined) setProbeDefaults(probe);
  }
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (handler?.httpGet !== undefined) setHTTPDefaults(handler.httpGet);
  }
}

/** Forms of image references: name parts, tag, digest. What is none gets no tag, so no policy of its own either. */
const IMAGE =
  /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-.]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?<tag>:[\w][\w.-]{0,127})?(?<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$/;

/** `Always` for what may change behind its name: the tag `latest`, or no tag at all. */
function pullPolicy(image = ''): string {
  const parts = IMAGE.exec(image)?.groups;
  if (parts === undefined) return 'IfNotPresent';
  const isLatest =
    parts['tag'] === ':latest' || (parts['tag'] === undefined && parts['digest'] === undefined);
  return isLatest ? 'Always' : 'IfNotPresent';
}

function setProbeDefaults(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.httpGet !== undefined) setHTTPDefaults(probe.httpGet);
}

function setHTTPDefaults(action: NonNullable<Probe['httpGet']>): void {
  action.path ||= '/';
  action.scheme ||= 'HTTP';
}

function setVolumeDefaults(volume: Volume): void {
  const hasSource = Object.entries(volume).some(([key, value]) => key !== 'name' && value !== undefined);
  if (!hasSource) volume.emptyDir = {};
  if (volume.image !== undefined) volume.image.pullPolicy ||= pullPolicy(volume.image.reference);
  if (volume.secret !== undefined) volume.secret.defaultMode ??= FILE_MODE;
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= FILE_MODE;
  if (volume.hostPath !== undefined) volume.hostPath.type ??= '';
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= FILE_MODE;
    for (const { fieldRef } of volume.downwardAPI.items ?? [])
      if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1';
  }
  if (volume.projected !== undefined) setProjectedDefaults(volume.projected);
  if (volume.ephemeral?.volumeClaimTemplate?.spec !== undefined)
    setClaimDefaults(volume.ephemeral.volumeClaimTemplate.spec);
}

function setProjectedDefaults(projected: NonNullable<Volume['projected']>): void {
  projected.defaultMode ??= FILE_MODE;
  for (const source of projected.sources ?? []) {
    if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= 3600;
    for (const { fieldRef } of source.downwardAPI?.items ?? [])
      if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1';
  }
}
