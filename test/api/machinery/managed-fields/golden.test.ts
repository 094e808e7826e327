/**
 * Writes in a row, and what upstream's own code (apimachinery util/managedfields at v0.36.2 over the published OpenAPI
 * documents) makes of them. The cases were generated at random and picked for what they reach.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StatusError } from '../../../../api/machinery/errors.ts';
import { stringifyJSON } from '../../../../api/machinery/json.ts';
import type { UnknownObject } from '../../../../api/machinery/object-meta.ts';
import { ManagedObject } from './fixture.ts';

interface Step {
  readonly operation: 'apply' | 'update';
  readonly manager: string;
  readonly force?: boolean;
  readonly subresource?: string;
  readonly object: UnknownObject;
  readonly result: { readonly object?: UnknownObject; readonly error?: string | Failure };
}

interface Failure {
  readonly message: string;
  readonly reason?: string;
  readonly code: number;
  readonly causes?: readonly { readonly message: string; readonly field: string }[];
}

interface Case {
  readonly apiVersion: string;
  readonly kind: string;
  readonly steps: readonly Step[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden.json'), 'utf8')) as readonly Case[];
const cases = golden.map((each, index) => ({
  name: `${index} ${each.kind}`,
  ...each,
}));

describe('a row of writes leaves what upstream leaves', () => {
  it.each(cases)('case $name', ({ apiVersion, kind, steps }) => {
    const object = new ManagedObject(apiVersion, kind);
    for (const [second, step] of steps.entries()) {
      object.second = second;
      expect(normal(result(object, step)), `step ${second}`).toEqual(normal(step.result));
    }
  });
});

function result(object: ManagedObject, step: Step): Step['result'] {
  try {
    const written = object[step.operation](step.object, step);
    return { object: JSON.parse(stringifyJSON(written)) as UnknownObject };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const { message = '', reason, code, details } = error.status;
    if (reason === undefined) return { error: message };
    return {
      error: {
        message,
        reason,
        code,
        ...(details?.causes === undefined ? {} : { causes: details.causes }),
      } as Failure,
    };
  }
}

/** Upstream names conflicting managers in the order of a Go map. Key order of objects counts. */
function normal({ object, error }: Step['result']): unknown {
  if (object !== undefined) return JSON.stringify(object);
  if (typeof error === 'string') return error;
  const { causes = [], ...rest } = error!;
  return { ...rest, causes: causes.map(({ message, field }) => `${field} ${message}`).sort() };
}
