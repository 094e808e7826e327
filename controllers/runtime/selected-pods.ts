/** Pods by selector, found through an index of labels instead of by looking at every pod of the namespace. */
import type { LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import type { Informer } from './controller.ts';

const INDEX = 'label';

/** Call before informers start; more than once is fine. */
export function indexByLabel(pods: Informer<Pod>): void {
  pods.addIndex(INDEX, ({ metadata: { namespace, labels } }) =>
    Object.entries(labels ?? {}).map(([key, value]) => entry(namespace, key, value)),
  );
}

function entry(namespace: string | undefined, key: string, value: string): string {
  return `${namespace}/${key}=${value}`;
}

/** Pods of a namespace that match, by name. A selector without an exact value looks at them all. */
export function selectedPods(pods: Informer<Pod>, namespace: string, selector: LabelSelectorMatcher): Pod[] {
  const buckets = selector.requirements
    .filter(({ operator, values }) => (operator === '=' || operator === 'in') && values.length === 1)
    .map(({ key, values }) => pods.byIndex(INDEX, entry(namespace, key, values[0]!)));
  const [smallest = pods.list(namespace)] = buckets.sort((a, b) => a.length - b.length);
  return smallest
    .filter(({ metadata }) => selector.matches(metadata.labels))
    .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
}
