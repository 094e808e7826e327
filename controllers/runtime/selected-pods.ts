/** Pods by selector, found through an index of labels instead of by looking at every pod of the namespace. */
import type { LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import type { Informer } from './controller.ts';

const INDEX = 'labels';

/** Call before informers start; more than once is fine. */
export function indexByLabel(pods: Informer<Pod>): void {
  pods.addIndex(INDEX, ({ metadata }) => labelEntries(metadata.namespace, metadata.labels));
}

/** Under which entries of the index an object with these labels stands. */
export function labelEntries(
  namespace: string | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): string[] {
  return Object.entries(labels ?? {}).map(([key, value]) => labelEntry(namespace, key, value));
}

export function labelEntry(namespace: string | undefined, key: string, value: string): string {
  return `${namespace}/${key}=${value}`;
}

/** Pods with one label. */
export function podsLabelled(pods: Informer<Pod>, entry: string): readonly Pod[] {
  return pods.byIndex(INDEX, entry);
}

/** Pods of a namespace that match, by name. A selector without an exact value looks at them all. */
export function selectedPods(pods: Informer<Pod>, namespace: string, selector: LabelSelectorMatcher): Pod[] {
  const buckets = selector.requirements
    .filter(({ operator, values }) => (operator === '=' || operator === 'in') && values.length === 1)
    .map(({ key, values }) => podsLabelled(pods, labelEntry(namespace, key, values[0]!)));
  const [smallest = pods.list(namespace)] = buckets.sort((a, b) => a.length - b.length);
  return smallest
    .filter(({ metadata }) => selector.matches(metadata.labels))
    .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
}
