/** Selectors and the scale of sets of pods. */
import type { ScaleMapping } from '../../definition.ts';
import type { KubeObject } from '../../machinery/object-meta.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { formatLabelSelector } from '../../machinery/labels.ts';
import { checkDNS1123Label } from '../../machinery/names.ts';
import { goValue } from '../../machinery/go-format.ts';
import { invalid, required } from '../../machinery/field-errors.ts';
import type { LabelSelectorObject } from '../../machinery/label-validation.ts';
import { addLabelSelector, type Findings } from '../common/findings.ts';

/** A selector that must select something; `what` is the kind upstream's message names. */
export function addRequiredSelector(
  errors: Findings,
  at: FieldPath,
  selector: LabelSelectorObject | undefined | null,
  what: string,
): void {
  if (selector === undefined || selector === null) {
    errors.push(required(at));
    return;
  }
  addLabelSelector(errors, at, selector);
  addEmptySelector(errors, at, selector, what);
}

export function addEmptySelector(
  errors: Findings,
  at: FieldPath,
  selector: LabelSelectorObject,
  what: string,
): void {
  if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0)
    errors.push(invalid(at, selector, `empty selector is invalid for ${what}`));
}

interface Scalable extends KubeObject {
  spec: { replicas?: number; selector?: LabelSelectorObject };
  status?: { replicas?: number };
}

export const scale: ScaleMapping<Scalable> = {
  specReplicas: ({ spec }) => spec.replicas ?? 1,
  setSpecReplicas: ({ spec }, replicas) => {
    spec.replicas = replicas;
  },
  statusReplicas: ({ status }) => status?.replicas ?? 0,
  selector: ({ spec }) => formatLabelSelector(spec.selector),
};

/** What to say about a name that does not fit into names of pods. */
export function nameWarnings({ metadata }: KubeObject): string[] {
  const texts = checkDNS1123Label(metadata.name ?? '');
  if (texts.length === 0) return [];
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: ${goValue(texts)}`,
  ];
}
