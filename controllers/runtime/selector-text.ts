import type { selectorFromLabelSelector } from '../../api/machinery/labels.ts';

type Selector = Parameters<typeof selectorFromLabelSelector>[0];

/** A label selector as Go prints one, which some messages carry. Mirrors the generated String of LabelSelector. */
export function formatSelectorObject(selector: Selector): string {
  if (selector === undefined) return 'nil';
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  const map = labels.map(([key, value]) => `${key}: ${value},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${map}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}
