/** Pods. Mirrors registry/core/pod strategy.go. */
import { defineBehaviour } from '../../definition.ts';
import { formatTime } from '../../machinery/clock.ts';
import { path } from '../../machinery/field-path.ts';
import { checkDNS1123Label } from '../../machinery/names.ts';
import { forbidden } from '../../machinery/field-errors.ts';
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import type { Findings } from '../common/findings.ts';
import { ipWarnings } from '../common/ip.ts';
import { goValue } from '../../machinery/go-format.ts';
import { addProfileConflicts } from './pod-annotations.ts';
import { addPodUpdate } from './pod-changes.ts';
import { setPodDefaults } from './pod-defaults.ts';
import { dropDisabledPodFields, mergeLabelKeys, syncAppArmor } from './pod-preparation.ts';
import { addPod } from './pod-parts.ts';
import { addPodStatusUpdate, keepObservedGenerations } from './pod-status.ts';
import { podRules } from './pod-tolerances.ts';
import { podWarnings } from './pod-warnings.ts';
import { qosClass } from './qos.ts';

export const pod = defineBehaviour<Pod>({
  setDefaults: (object) => {
    object.spec ??= {} as Pod['spec'];
    setPodDefaults(object);
  },
  prepareForCreate: (object, { warnings, nowMs }) => {
    object.status = { phase: 'Pending', qosClass: qosClass(object.spec) };
    dropDisabledPodFields(object.spec);
    if ((object.spec.schedulingGates ?? []).length > 0)
      object.status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          lastTransitionTime: formatTime(nowMs),
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
        },
      ];
    mergeLabelKeys(object);
    warnings.push(...syncAppArmor(object));
  },
  prepareForUpdate: (object, old) => dropDisabledPodFields(object.spec, old.spec),
  prepareForStatusUpdate: (object, old) => {
    object.metadata = { ...object.metadata, ownerReferences: old.metadata.ownerReferences };
    object.metadata.deletionTimestamp = old.metadata.deletionTimestamp;
    if ((object.status.qosClass ?? '') === '') object.status.qosClass = old.status.qosClass;
    keepObservedGenerations(object.status, old.status);
  },
  validate: (object) => {
    const errors: Findings = [];
    const { spec, metadata } = object;
    addPod(errors, object, { isPod: true });
    if ((spec.ephemeralContainers ?? []).length > 0)
      errors.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
    if ((spec.nodeName ?? '') !== '' && (spec.schedulingGates ?? []).length > 0)
      errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
    addProfileConflicts(errors, path('spec'), metadata.annotations, spec);
    return errors;
  },
  validateUpdate: (object, old) => {
    const errors: Findings = [];
    const rules = { ...podRules(old.spec, old.metadata), isPod: true };
    addPod(errors, object, rules);
    addPodUpdate(errors, object, old, rules);
    return errors;
  },
  validateStatusUpdate: (object, old) => {
    const errors: Findings = [];
    addPodStatusUpdate(errors, object, old, podRules(old.spec, old.metadata));
    return errors;
  },
  warnings: (object, old, subresource) => {
    if (subresource === 'status') return statusWarnings(object);
    if (old !== undefined) return [];
    const texts = checkDNS1123Label(object.metadata.name ?? '');
    const nameWarning =
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: ";
    return [
      ...(texts.length === 0 ? [] : [`${nameWarning}${goValue(texts)}`]),
      ...podWarnings(undefined, object.spec, object.metadata),
    ];
  },
  gracePeriodSeconds: ({ metadata, spec, status }, requested) => {
    if ((spec.nodeName ?? '') === '' || status.phase === 'Succeeded' || status.phase === 'Failed') return 0;
    const wanted =
      requested ?? metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
    return wanted < 0 ? 1 : wanted;
  },
});

function statusWarnings({ status }: Pod): string[] {
  const warnings: string[] = [];
  for (const list of ['podIPs', 'hostIPs'] as const)
    status?.[list]?.forEach(({ ip }, index) =>
      warnings.push(...ipWarnings(path('status', list).index(index).child('ip'), ip)),
    );
  return warnings;
}
