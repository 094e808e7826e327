/** What is read and changed of the syntax trees of @marcbachmann/cel-js, whose types do not tell of it. */
import { CelEvaluationError } from './environment.ts';
import { DefaultingMap } from './values.ts';

interface NodeType {
  readonly name: string;
  readonly kind: string;
  readonly keyType?: NodeType;
}

export interface SyntaxNode {
  readonly op: string;
  /** A value, nodes, lists of either, or the parts of a comprehension. */
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
  readonly input: string;
  readonly checkedType?: NodeType;
  readonly meta: { macro?: Macro; readonly alternate?: SyntaxNode };
  evaluate: (engine: Engine, node: SyntaxNode, context: unknown) => unknown;
  /** Of an operator, once types are checked. */
  handle?: (left: unknown, right: unknown, node: SyntaxNode, engine: Engine) => unknown;
}

interface Macro {
  readonly args?: readonly SyntaxNode[];
  readonly macroHasProps?: unknown;
  typeCheck(checker: Checker, macro: Macro, context: unknown): NodeType;
  evaluate(engine: Engine, macro: Macro, context: unknown): unknown;
}

interface Checker {
  check(node: SyntaxNode, context: unknown): NodeType;
  getType(name: string): NodeType;
}

interface Engine {
  run(node: SyntaxNode, context: unknown): unknown;
  debugType(value: unknown): {
    fieldLazy(value: unknown, name: string, node: SyntaxNode, engine: Engine): unknown;
  };
}

/** A parsed expression. */
export interface Expression {
  (activation: object): unknown;
  readonly ast: SyntaxNode;
  check(): { readonly valid: boolean; readonly type?: string; readonly error?: Error };
}

/** What is wrong with an expression, in cel-go's words, and where. */
export class CompileError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'meta' in value;
}

function nodesIn(value: unknown): SyntaxNode[] {
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  return isNode(value) ? [value] : [];
}

/** Operands and arguments. */
export function childrenOf({ args }: SyntaxNode): SyntaxNode[] {
  return nodesIn(args);
}

export function* walk(node: SyntaxNode): Generator<SyntaxNode> {
  yield node;
  for (const child of childrenOf(node)) yield* walk(child);
}

export function typeNameOf({ checkedType }: SyntaxNode): string {
  return checkedType?.name ?? 'dyn';
}

/** has() of a field of any operand; the engine's own knows plain names only, and believes in any field. */
export function withWholeHas(node: SyntaxNode): void {
  if (node.op !== 'call' || (node.args as [string])[0] !== 'has') return;
  const [field] = (node.args as [string, SyntaxNode[]])[1];
  const at = node.input.indexOf('(', node.start);
  if (field?.op !== '.') throw new CompileError('invalid argument to has() macro', at);
  const [operand, name] = field.args as [SyntaxNode, string];
  node.meta.macro = {
    typeCheck: (checker, _macro, context) => {
      try {
        checker.check(field, context);
      } catch (error) {
        if ((error as { code?: string }).code !== 'no_such_key') throw error;
        throw new CompileError(`undefined field '${name}'`, at);
      }
      return checker.getType('bool');
    },
    evaluate: (engine, _macro, context) => {
      const value = engine.run(operand, context);
      return engine.debugType(value).fieldLazy(value, name, field, engine) !== undefined;
    },
  };
}

/** A map that has a value for every key still contains only those it was made with. */
export function withKeysOfMaps(node: SyntaxNode): void {
  const inner = node.handle;
  if (node.op !== 'in' || inner === undefined) return;
  node.handle = (key, map, ast, engine) =>
    map instanceof DefaultingMap ? map.has(key) : inner(key, map, ast, engine);
}

/** What an evaluation may still cost. */
export class Meter {
  left = 0;

  charge(cost: number): void {
    this.left -= cost;
    if (this.left < 0) throw new CelEvaluationError('cost');
  }
}

/** Every turn of a loop costs as much as its step has nodes; all else is bound by the length of the expression. */
export function limitLoops(node: SyntaxNode, meter: Meter): void {
  const loop = node.meta.alternate;
  if (loop?.op !== 'comprehension') return;
  const { step } = loop.args as { readonly step: SyntaxNode };
  const cost = [...walk(step)].length;
  let inner = step.evaluate;
  const metered: SyntaxNode['evaluate'] = (engine, ast, context) => {
    meter.charge(cost);
    return inner.call(step, engine, ast, context);
  };
  // Nodes replace their own method when they first run.
  Object.defineProperty(step, 'evaluate', {
    get: () => metered,
    set: (replaced: SyntaxNode['evaluate']) => {
      inner = replaced;
    },
  });
}
