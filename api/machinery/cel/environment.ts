/**
 * Expressions in the Common Expression Language, whatever engine runs them. Integers are bigints, maps are `Map`s, lists are
 * arrays; quantities and versions are {@link CelQuantity} and {@link CelSemver}.
 */
import type { CelMap } from './values.ts';

/** A type by name: `bool`, `int`, `string`, `dyn`, `list<T>`, `map<K, V>` or one that the declarations add. */
export type CelTypeName = string;

/** What expressions of one sort may use. */
export interface CelDeclarations {
  /** Types of objects with their fields. */
  readonly types?: Readonly<Record<string, Readonly<Record<string, CelTypeName>>>>;
  readonly variables: Readonly<Record<string, CelTypeName>>;
}

/** Values of the variables; those of declared types are made by {@link CelEnvironment.object}. */
export type CelActivation = Readonly<Record<string, unknown>>;

export interface CelProgram {
  /**
   * The value. Throws {@link CelEvaluationError} with upstream's words, also when the work exceeds `costMax`, which counts
   * what loops evaluate.
   */
  evaluate(activation: CelActivation, costMax: number): unknown;
}

export type CelCompilation =
  | { readonly program: CelProgram; readonly type: CelTypeName }
  /** As cel-go prints it, `ERROR: <input>:1:8: ...` with the line and a mark under the place. */
  | { readonly error: string };

export interface CelEnvironment {
  compile(expression: string): CelCompilation;
  /** An object of a declared type. */
  object(type: CelTypeName, fields: Readonly<Record<string, unknown>> | CelMap): unknown;
}

export class CelEvaluationError extends Error {
  override readonly name = 'CelEvaluationError';
}
