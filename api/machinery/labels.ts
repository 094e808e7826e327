/**
 * Label selectors, of the text form and of the object form `metav1.LabelSelector`. Mirrors apimachinery labels/selector.go and
 * meta/v1/helpers.go LabelSelectorAsSelector.
 */
import { compareText, goQuote } from './go-format.ts';
import {
  formatRequirement,
  newRequirement,
  requirementMatches,
  SelectorError,
  type LabelOperator,
  type LabelRequirement,
  type Labels,
} from './label-requirement.ts';
import { parseRequirements } from './label-selector-text.ts';
import type { LabelSelectorObject } from './label-validation.ts';

/** All requirements must hold. Sorted by key. */
export class LabelSelectorMatcher {
  readonly requirements: readonly LabelRequirement[];
  readonly #nothing: boolean;

  constructor(requirements: readonly LabelRequirement[], nothing = false) {
    this.requirements = [...requirements].sort((a, b) => compareText(a.key, b.key));
    this.#nothing = nothing;
  }

  /** True when every set of labels matches. */
  get empty(): boolean {
    return !this.#nothing && this.requirements.length === 0;
  }

  matches(labels: Labels | undefined): boolean {
    if (this.#nothing) return false;
    for (const requirement of this.requirements) {
      if (!requirementMatches(requirement, labels ?? {})) return false;
    }
    return true;
  }

  /** The value a label must have, when the selector pins it to one. */
  exactValue(label: string): string | undefined {
    const found = this.requirements.find((requirement) => requirement.key === label);
    if (found === undefined || !['=', '==', 'in'].includes(found.operator)) return undefined;
    return found.values.length === 1 ? found.values[0] : undefined;
  }

  /** Canonical text, as upstream's `Selector.String()`. */
  toString(): string {
    return this.requirements.map(formatRequirement).join(',');
  }
}

/** Matches no labels: what an absent `metav1.LabelSelector` means. */
const NOTHING = new LabelSelectorMatcher([], true);

/** Parses the text form; '' matches everything. Throws SelectorError. */
export function parseLabelSelector(text: string): LabelSelectorMatcher {
  return new LabelSelectorMatcher(parseRequirements(text));
}

/** A selector for exactly these labels. Nothing is checked; no labels match everything. */
export function selectorFromLabels(labels: Labels | undefined): LabelSelectorMatcher {
  return new LabelSelectorMatcher(
    Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] })),
  );
}

const OBJECT_OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** A `metav1.LabelSelector`: absent matches nothing, empty matches everything. Throws SelectorError. */
export function selectorFromLabelSelector(selector: LabelSelectorObject | undefined): LabelSelectorMatcher {
  if (selector === undefined) return NOTHING;
  const requirements = Object.entries(selector.matchLabels ?? {}).map(([key, value]) =>
    newRequirement(key, '=', [value]),
  );
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = Object.hasOwn(OBJECT_OPERATORS, operator) ? OBJECT_OPERATORS[operator] : undefined;
    if (known === undefined) {
      throw new SelectorError(`${goQuote(operator)} is not a valid label selector operator`);
    }
    requirements.push(newRequirement(key, known, values ?? []));
  }
  return new LabelSelectorMatcher(requirements);
}

/** Text of a `metav1.LabelSelector` for people: `<none>` when it is absent or empty, `<error>` when it is not valid. */
export function formatLabelSelector(selector: LabelSelectorObject | undefined): string {
  try {
    const text = selectorFromLabelSelector(selector).toString();
    return text === '' ? '<none>' : text;
  } catch {
    return '<error>';
  }
}

/** Text of a plain map of labels, `a=1,b=2`, sorted; `<none>` when there are none. */
export function formatLabels(labels: Labels | undefined): string {
  const text = selectorFromLabels(labels).toString();
  return text === '' ? '<none>' : text;
}
