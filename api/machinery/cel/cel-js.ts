/** The language by @marcbachmann/cel-js, with what Kubernetes adds, patterns in linear time and a limit for loops. */
import { Environment } from '@marcbachmann/cel-js';
import {
  CelEvaluationError,
  type CelActivation,
  type CelCompilation,
  type CelDeclarations,
  type CelEnvironment,
  type CelProgram,
} from './environment.ts';
import {
  declareQuantities,
  declareRegexes,
  declareSemvers,
  declareStrings,
  LINEAR_MATCHES,
  QUANTITY_TYPE,
  regexOf,
  SEMVER_TYPE,
  type DeclareFunction,
} from './libraries.ts';
import { describeProblem, goTypeName, UNEXPECTED_END, type CompileProblem } from './messages.ts';
import {
  childrenOf,
  CompileError,
  limitLoops,
  Meter,
  typeNameOf,
  walk,
  withKeysOfMaps,
  withWholeHas,
  type Expression,
  type SyntaxNode,
} from './cel-js-nodes.ts';
import { CelQuantity, CelSemver } from './values.ts';
import { compareQuantity } from '../quantity.ts';
import { compareSemver } from '../semver.ts';

const COST_EXCEEDED = 'operation cancelled: actual cost limit exceeded';

export function newCelEnvironment(declarations: CelDeclarations): CelEnvironment {
  const environment = new Environment({ enableOptionalTypes: true });
  environment.registerType(QUANTITY_TYPE, { ctor: CelQuantity, fields: {} });
  environment.registerType(SEMVER_TYPE, { ctor: CelSemver, fields: {} });
  const declare: DeclareFunction = (signature, run) => {
    environment.registerFunction(signature, run);
  };
  for (const library of [declareQuantities, declareSemvers, declareRegexes, declareStrings]) library(declare);
  environment.registerOperator(
    `${QUANTITY_TYPE} == ${QUANTITY_TYPE}`,
    (a: CelQuantity, b: CelQuantity) => compareQuantity(a.quantity, b.quantity) === 0,
  );
  environment.registerOperator(
    `${SEMVER_TYPE} == ${SEMVER_TYPE}`,
    (a: CelSemver, b: CelSemver) => compareSemver(a.version, b.version) === 0,
  );
  const classes = new Map(
    Object.entries(declarations.types ?? {}).map(([name, fields]) => {
      const ctor = class {};
      environment.registerType(name, { ctor, fields });
      return [name, ctor];
    }),
  );
  for (const [name, type] of Object.entries(declarations.variables)) environment.registerVariable(name, type);
  const functions = new Set(environment.getDefinitions().functions.map(({ name }) => name));
  functions.add('matches');
  return {
    compile: (expression) => compile(environment, functions, expression),
    object: (type, fields) => Object.assign(new (classes.get(type)!)(), fields),
  };
}

function compile(
  environment: Environment,
  functions: ReadonlySet<string>,
  expression: string,
): CelCompilation {
  try {
    const parsed = environment.parse(expression) as unknown as Expression;
    for (const node of walk(parsed.ast)) prepare(node);
    const { valid, type, error } = parsed.check();
    if (!valid) throw error;
    for (const node of walk(parsed.ast)) checkIndex(node);
    const meter = new Meter();
    for (const node of walk(parsed.ast)) {
      withKeysOfMaps(node);
      limitLoops(node, meter);
    }
    return { program: newProgram(parsed, meter), type: type! };
  } catch (error) {
    return { error: describeProblem(expression, problemOf(error, functions, expression)) };
  }
}

/** Before types are checked: patterns go to the matcher that cannot be held up, and has() takes any operand. */
function prepare(node: SyntaxNode): void {
  if (node.meta.macro !== undefined) withWholeHas(node);
  if (node.op !== 'rcall') return;
  const call = node.args as [string, SyntaxNode, SyntaxNode[]];
  if (call[0] === LINEAR_MATCHES) throw new CompileError(undeclared(LINEAR_MATCHES), node.start);
  if (call[0] !== 'matches' || call[2].length !== 1) return;
  call[0] = LINEAR_MATCHES;
  const [pattern] = call[2];
  if (pattern!.op !== 'value' || typeof pattern!.args !== 'string') return;
  try {
    regexOf(pattern!.args);
  } catch {
    throw new CompileError('invalid matches argument', pattern!.start);
  }
}

/** Keys of maps have the type that the map says. */
function checkIndex(node: SyntaxNode): void {
  if (node.op !== '[]') return;
  const [map, key] = childrenOf(node) as [SyntaxNode, SyntaxNode];
  const wanted = map.checkedType?.kind === 'map' ? map.checkedType.keyType?.name : undefined;
  const found = typeNameOf(key);
  if (wanted === undefined || [wanted, 'dyn'].includes(found) || wanted === 'dyn') return;
  const types = [map, key].map((each) => goTypeName(typeNameOf(each))).join(', ');
  throw new CompileError(noOverload('_[_]', `(${types})`), map.end);
}

function newProgram(parsed: Expression, meter: Meter): CelProgram {
  return {
    evaluate: (activation: CelActivation, costMax: number) => {
      meter.left = costMax;
      let value: unknown;
      try {
        value = parsed(activation);
      } catch (error) {
        throw new CelEvaluationError(meter.left < 0 ? COST_EXCEEDED : evaluationText(error));
      }
      if (meter.left < 0) throw new CelEvaluationError(COST_EXCEEDED);
      return value;
    },
  };
}

interface EngineError {
  readonly code: string;
  readonly summary: string;
  readonly node?: SyntaxNode;
  readonly range?: { readonly start: number };
}

function evaluationText(error: unknown): string {
  if (error instanceof CelEvaluationError) return error.message;
  const { code, summary } = error as EngineError;
  if (code === 'no_such_overload' || code === 'no_matching_overload') return 'no such overload';
  return lowerFirst(summary ?? (error as Error).message);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function noOverload(name: string, types: string): string {
  return `found no matching overload for '${name}' applied to '${types}'`;
}

function undeclared(name: string): string {
  return `undeclared reference to '${name}' (in container '')`;
}

/** The engine's error in cel-go's words, at the place where cel-go marks it. */
function problemOf(error: unknown, functions: ReadonlySet<string>, expression: string): CompileProblem {
  if (error instanceof CompileError) return error;
  const { code, summary, node, range } = error as EngineError;
  const start = range?.start ?? 0;
  switch (code) {
    case 'unexpected_token':
    case 'expected_token':
      if (start >= expression.length) return { message: UNEXPECTED_END, offset: expression.length };
      break;
    case 'unknown_variable':
      return { message: undeclared(String(node!.args)), offset: start };
    case 'no_such_key':
      return {
        message: `undefined field '${summary.replace('No such key: ', '')}'`,
        offset: accessOffset(node!, start, expression),
      };
    case 'cannot_index_type':
      return { message: unindexable(node!), offset: accessOffset(node!, start, expression) };
    case 'no_such_overload':
      return operatorProblem(node!, expression);
    case 'no_matching_overload':
      return callProblem(node!, functions, expression);
    case 'invalid_logical_operand':
    case 'invalid_condition_type': {
      const wrong = childrenOf(node!).find((each) => !['bool', 'dyn'].includes(typeNameOf(each)));
      if (wrong === undefined) break;
      const message = `expected type 'bool' but found '${goTypeName(typeNameOf(wrong))}'`;
      return { message, offset: wrong.start };
    }
  }
  const isSyntax = (error as Error).name === 'ParseError';
  const text = summary ?? (error as Error).message;
  return { message: isSyntax ? `Syntax error: ${lowerFirst(text)}` : text, offset: start };
}

function accessOffset(node: SyntaxNode, start: number, expression: string): number {
  if (node.op.startsWith('.')) return expression.lastIndexOf('.', start - 1);
  return expression.indexOf('[', childrenOf(node)[0]!.end);
}

function unindexable(node: SyntaxNode): string {
  const [operand, index] = childrenOf(node) as [SyntaxNode, SyntaxNode | undefined];
  const type = goTypeName(typeNameOf(operand));
  if (index === undefined) return `type '${type}' does not support field selection`;
  return noOverload('_[_]', `(${type}, ${goTypeName(typeNameOf(index))})`);
}

function operatorProblem(node: SyntaxNode, expression: string): CompileProblem {
  const operands = childrenOf(node);
  const types = operands.map((each) => goTypeName(typeNameOf(each))).join(', ');
  if (operands.length === 1) return { message: noOverload(node.op, `(${types})`), offset: node.start };
  const name = node.op === 'in' ? '@in' : `_${node.op}_`;
  return {
    message: noOverload(name, `(${types})`),
    offset: expression.indexOf(node.op, operands[0]!.end),
  };
}

function callProblem(node: SyntaxNode, functions: ReadonlySet<string>, expression: string): CompileProblem {
  const called = (node.args as [string])[0];
  const name = called === LINEAR_MATCHES ? 'matches' : called;
  const operands = childrenOf(node);
  const isMethod = node.op === 'rcall';
  const nameAt = isMethod ? expression.indexOf(name, operands[0]!.end) : node.start;
  const offset = expression.indexOf('(', nameAt);
  if (!functions.has(name)) return { message: undeclared(name), offset };
  const types = operands.map((each) => goTypeName(typeNameOf(each)));
  const receiver = isMethod ? `${types.shift()}.` : '';
  return { message: noOverload(name, `${receiver}(${types.join(', ')})`), offset };
}
