/** Replication controllers. Mirrors ValidateReplicationControllerSpec of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { formatLabels, selectorFromLabelSelector } from '../../machinery/labels.ts';
import {
  forbidden,
  invalid,
  notSupported,
  required,
  validateLabels,
  validateNonnegative,
} from '../../machinery/validation.ts';
import type { ReplicationController } from '../../../openapi/generated/core-v1.ts';
import { setPodSpecDefaults } from './pod-defaults.ts';
import { validatePodSpec } from './pod-validation.ts';

export const replicationController = defineBehaviour<ReplicationController>({
  setDefaults: ({ metadata, spec }) => {
    spec.replicas ??= 1;
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
    }
    if (spec.template?.spec !== undefined) setPodSpecDefaults(spec.template.spec);
  },
  validate: validateReplicationController,
  validateUpdate: validateReplicationController,
  scale: {
    specReplicas: ({ spec }) => spec.replicas ?? 1,
    setSpecReplicas: ({ spec }, replicas) => {
      spec.replicas = replicas;
    },
    statusReplicas: ({ status }) => status?.replicas ?? 0,
    selector: ({ spec }) => formatLabels(spec.selector),
  },
});

function validateReplicationController({ spec }: ReplicationController): FieldError[] {
  const at = path('spec');
  const errors = validateNonnegative(at.child('minReadySeconds'), spec.minReadySeconds ?? 0);
  if (Object.keys(spec.selector ?? {}).length === 0) errors.push(required(at.child('selector')));
  errors.push(...validateNonnegative(at.child('replicas'), spec.replicas ?? 1));
  return [...errors, ...validateTemplate(spec, at.child('template'))];
}

function validateTemplate(
  { selector = {}, template }: ReplicationController['spec'],
  at: ReturnType<typeof path>,
): FieldError[] {
  if (template === undefined) return [required(at)];
  const labels = template.metadata?.labels ?? {};
  const errors: FieldError[] = [];
  if (!selectorFromLabelSelector({ matchLabels: selector }).matches(labels))
    errors.push(
      invalid(at.child('metadata', 'labels'), labels, '`selector` does not match template `labels`'),
    );
  errors.push(...validateLabels(labels, at.child('metadata', 'labels')));
  const { spec } = template;
  if (spec === undefined) return [...errors, required(at.child('spec', 'containers'))];
  errors.push(...validatePodSpec(spec, at.child('spec')));
  if (spec.restartPolicy !== undefined && spec.restartPolicy !== 'Always')
    errors.push(notSupported(at.child('spec', 'restartPolicy'), spec.restartPolicy, ['Always']));
  if (spec.activeDeadlineSeconds !== undefined) {
    errors.push(
      forbidden(
        at.child('spec', 'activeDeadlineSeconds'),
        'activeDeadlineSeconds in ReplicationController is not Supported',
      ),
    );
  }
  return errors;
}
