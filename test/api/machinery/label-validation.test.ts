import { describe, expect, it } from 'vitest';
import type { FieldError } from '../../../api/machinery/errors.ts';
import { path } from '../../../api/machinery/field-path.ts';
import { validateLabelSelector } from '../../../api/machinery/label-validation.ts';

const texts = (errors: readonly FieldError[]): string[] =>
  errors.map((item) => `${item.field}: ${item.message}`);

describe('label selectors as objects', () => {
  it('names what is wrong', () => {
    const errors = validateLabelSelector(
      {
        matchLabels: { a: '-' },
        matchExpressions: [
          { key: 'a', operator: 'In' },
          { key: 'b', operator: 'Exists', values: ['x'] },
          { key: 'c', operator: 'Near', values: ['-'] },
        ],
      },
      path('spec', 'selector'),
    );
    expect(texts(errors).map((text) => text.replace(/ \(e\.g.*/, ''))).toEqual([
      `spec.selector.matchLabels: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      'spec.selector.matchExpressions[2].operator: Invalid value: "Near": not a valid selector operator',
      `spec.selector.matchExpressions[2].values[0]: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
    ]);
  });
});
