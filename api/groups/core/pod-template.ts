/** Templates of pods inside workloads: rules, defaults and warnings that all of them share. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { type LabelSelectorMatcher, selectorFromLabelSelector } from '../../machinery/labels.ts';
import { forbidden, invalid, notSupported } from '../../machinery/field-errors.ts';
import type { LabelSelectorObject } from '../../machinery/label-validation.ts';
import type { PodTemplate, PodTemplateSpec } from '../../../openapi/generated/core-v1.ts';
import type { Findings } from '../common/findings.ts';
import { setPodSpecDefaults } from './pod-defaults.ts';
import { dropDisabledPodFields } from './pod-preparation.ts';
import type { PodRules } from './pod-rules.ts';
import { addPodTemplate } from './pod-spec.ts';
import { podRules } from './pod-tolerances.ts';
import { podTemplateWarnings } from './pod-warnings.ts';

/** The rules for a template that replaces `old`. */
export function templateRules(old?: PodTemplateSpec): PodRules {
  return old === undefined ? {} : podRules(old.spec, old.metadata);
}

/** The selector, ready to match; undefined when its requirements make no sense. An absent one matches nothing. */
export function matcherOf(
  selector: LabelSelectorObject | undefined | null,
): LabelSelectorMatcher | undefined {
  try {
    return selectorFromLabelSelector(selector ?? undefined);
  } catch {
    return undefined;
  }
}

/** The labels of a template must be selected by its owner. */
export function addSelectorMismatch(
  errors: Findings,
  at: FieldPath,
  { metadata }: PodTemplateSpec,
  matcher: LabelSelectorMatcher,
): void {
  if (matcher.matches(metadata?.labels ?? {})) return;
  const text = '`selector` does not match template `labels`';
  errors.push(invalid(at.child('metadata', 'labels'), metadata?.labels, text));
}

/** The template of a set whose selector must match it. */
export function addSelectedTemplate(
  errors: Findings,
  at: FieldPath,
  template: PodTemplateSpec,
  matcher: LabelSelectorMatcher,
  rules: PodRules,
): void {
  addSelectorMismatch(errors, at, template, matcher);
  addPodTemplate(errors, at, template, rules);
}

/** Pods of sets run for ever. */
export function addForeverRules(
  errors: Findings,
  at: FieldPath,
  { spec }: PodTemplateSpec,
  kind: string,
): void {
  if ((spec?.restartPolicy ?? '') !== 'Always')
    errors.push(notSupported(at.child('spec', 'restartPolicy'), spec?.restartPolicy ?? '', ['Always']));
  if (spec?.activeDeadlineSeconds !== undefined) {
    const text = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(forbidden(at.child('spec', 'activeDeadlineSeconds'), text));
  }
}

export function setTemplateDefaults(template: PodTemplateSpec | undefined): void {
  if (template === undefined) return;
  template.spec ??= {} as NonNullable<PodTemplateSpec['spec']>;
  setPodSpecDefaults(template.spec);
}

export function dropDisabledTemplateFields(
  template: PodTemplateSpec | undefined,
  old?: PodTemplateSpec,
): void {
  dropDisabledPodFields(template?.spec, old?.spec);
}

export const podTemplate = defineBehaviour<PodTemplate>({
  setDefaults: ({ template }) => setTemplateDefaults(template),
  prepareForCreate: ({ template }) => dropDisabledTemplateFields(template),
  prepareForUpdate: ({ template }, old) => dropDisabledTemplateFields(template, old.template),
  validate: ({ template }) => {
    const errors: Findings = [];
    addPodTemplate(errors, path('template'), template ?? {}, {});
    return errors;
  },
  validateUpdate: ({ template }, old) => {
    const errors: Findings = [];
    addPodTemplate(errors, path('template'), template ?? {}, templateRules(old.template));
    return errors;
  },
  warnings: ({ template }, old) =>
    old !== undefined && equalJSON(template, old.template)
      ? []
      : podTemplateWarnings(path('template'), template),
});
