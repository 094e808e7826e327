/** What the server makes of a pod before it is checked. Mirrors registry/core/pod strategy.go and pkg/api/pod/util.go. */
import { equalJSON } from '../../machinery/equality.ts';
import { path } from '../../machinery/field-path.ts';
import type { Pod, PodSpec } from '../../../openapi/generated/core-v1.ts';
import { affinityTerms } from './pod-affinity.ts';
import { APP_ARMOR_PREFIX, appArmorOfAnnotation } from './pod-annotations.ts';
import { visitContainers } from './pod-rules.ts';

/**
 * Drops members whose feature is off by default in 1.36: stop signals, scheduling groups, projections of trust bundles and
 * certificates. What `old` has stays.
 */
export function dropDisabledPodFields(spec: PodSpec | undefined, old?: PodSpec): void {
  if (spec === undefined) return;
  const had = (test: (spec: PodSpec) => boolean): boolean => old !== undefined && test(old);
  if (!had(({ schedulingGroup }) => schedulingGroup !== undefined)) delete spec.schedulingGroup;
  if (!had(hasStopSignal)) dropStopSignals(spec);
  for (const member of ['clusterTrustBundle', 'podCertificate'] as const) {
    const has = ({ volumes = [] }: PodSpec): boolean =>
      volumes.some(({ projected }) => projected?.sources?.some((source) => source[member] !== undefined));
    if (had(has)) continue;
    for (const { projected } of spec.volumes ?? [])
      for (const source of projected?.sources ?? []) delete source[member];
  }
}

function hasStopSignal(spec: PodSpec): boolean {
  let found = false;
  visitContainers(spec, ({ lifecycle }) => (found ||= lifecycle?.stopSignal !== undefined));
  return found;
}

function dropStopSignals(spec: PodSpec): void {
  visitContainers(spec, (container) => {
    if (container.lifecycle?.stopSignal === undefined) return;
    delete container.lifecycle.stopSignal;
    if (Object.keys(container.lifecycle).length === 0) delete container.lifecycle;
  });
}

interface Selecting {
  labelSelector?: { matchExpressions?: { key: string; operator: string; values?: string[] }[] };
}

function addKeys(
  { labelSelector }: Selecting,
  keys: readonly string[] | undefined,
  operator: string,
  labels: Readonly<Record<string, string>>,
): void {
  if (labelSelector === undefined) return;
  for (const key of keys ?? []) {
    if (!Object.hasOwn(labels, key)) continue;
    labelSelector.matchExpressions = [
      ...(labelSelector.matchExpressions ?? []),
      { key, operator, values: [labels[key]!] },
    ];
  }
}

/** Match label keys become requirements on the labels the pod has now. */
export function mergeLabelKeys({ spec, metadata }: Pod): void {
  const labels = metadata.labels ?? {};
  for (const term of affinityTerms(spec)) {
    addKeys(term as Selecting, term.matchLabelKeys, 'In', labels);
    addKeys(term as Selecting, term.mismatchLabelKeys, 'NotIn', labels);
  }
  for (const constraint of spec.topologySpreadConstraints ?? [])
    addKeys(constraint as Selecting, constraint.matchLabelKeys, 'In', labels);
}

/** AppArmor annotations become fields of their containers; returns a warning for each that is not just repeated. */
export function syncAppArmor({ spec, metadata }: Pod): string[] {
  const { annotations } = metadata;
  if (annotations === undefined || spec.os?.name === 'windows') return [];
  const warnings: string[] = [];
  visitContainers(spec, (container) => {
    const key = `${APP_ARMOR_PREFIX}${container.name}`;
    const annotation = annotations[key];
    if (annotation === undefined || container.securityContext?.appArmorProfile !== undefined) return;
    const profile = appArmorOfAnnotation(annotation);
    const isNew = profile !== undefined && !equalJSON(profile, spec.securityContext?.appArmorProfile);
    if (isNew) container.securityContext = { ...container.securityContext, appArmorProfile: profile };
    if (isNew || profile === undefined) {
      const place = path('metadata', 'annotations').key(key);
      warnings.push(`${String(place)}: deprecated since v1.30; use the "appArmorProfile" field instead`);
    }
  });
  return warnings;
}
