/** Replication controllers. Mirrors ValidateReplicationControllerSpec of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { formatLabels, selectorFromLabels } from '../../machinery/labels.ts';
import { required } from '../../machinery/field-errors.ts';
import type { ReplicationController } from '../../../openapi/generated/core-v1.ts';
import { addReplicaStatus } from '../apps/replica-set.ts';
import { addNonnegative, type Findings } from '../common/findings.ts';
import { nameWarnings } from '../apps/selectors.ts';
import type { Counts } from '../apps/counts.ts';
import type { PodRules } from './pod-rules.ts';
import {
  addForeverRules,
  addSelectedTemplate,
  dropDisabledTemplateFields,
  setTemplateDefaults,
  templateRules,
} from './pod-template.ts';
import { podTemplateWarnings } from './pod-warnings.ts';

export const replicationController = defineBehaviour<ReplicationController>({
  setDefaults: ({ metadata, spec }) => {
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
    }
    spec.replicas ??= 1;
    setTemplateDefaults(spec.template);
  },
  prepareForCreate: ({ spec }) => dropDisabledTemplateFields(spec.template),
  prepareForUpdate: ({ spec }, old) => dropDisabledTemplateFields(spec.template, old.spec.template),
  validate: (object) => validateSpec(object, {}),
  validateUpdate: (object, old) => validateSpec(object, templateRules(old.spec.template)),
  validateStatusUpdate: ({ status }) => {
    const errors: Findings = [];
    addReplicaStatus(errors, (status ?? {}) as unknown as Counts);
    return errors;
  },
  warnings: (object, old, subresource) => {
    if (subresource !== '' || object.metadata.generation === old?.metadata.generation) return [];
    // Updates look at the old template (a slip of upstream).
    const template = podTemplateWarnings(path('spec', 'template'), (old ?? object).spec.template);
    return old === undefined ? [...nameWarnings(object), ...template] : template;
  },
  scale: {
    specReplicas: ({ spec }) => spec.replicas ?? 1,
    setSpecReplicas: ({ spec }, replicas) => {
      spec.replicas = replicas;
    },
    statusReplicas: ({ status }) => status?.replicas ?? 0,
    selector: ({ spec }) => formatLabels(spec.selector),
  },
});

function validateSpec({ spec }: ReplicationController, rules: PodRules): FieldError[] {
  const at = path('spec');
  const errors: Findings = [];
  const { selector = {}, template } = spec;
  addNonnegative(errors, at.child('minReadySeconds'), spec.minReadySeconds);
  if (Object.keys(selector).length === 0) errors.push(required(at.child('selector')));
  addNonnegative(errors, at.child('replicas'), spec.replicas);
  const place = at.child('template');
  if (template === undefined) errors.push(required(place));
  else {
    addSelectedTemplate(errors, place, template, selectorFromLabels(selector), rules);
    addForeverRules(errors, place, template, 'ReplicationController');
  }
  return errors;
}
