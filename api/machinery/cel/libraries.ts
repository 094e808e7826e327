/** Functions that Kubernetes adds to the language. Mirrors apiserver pkg/cel/library. */
import { RE2JS } from 're2js';
import {
  addQuantity,
  compareQuantity,
  parseQuantity,
  subtractQuantity,
  tryParseQuantity,
  wholeUnits,
} from '../quantity.ts';
import { compareSemver, parseSemver, parseSemverLeniently } from '../semver.ts';
import { CelEvaluationError } from './environment.ts';
import { CelQuantity, CelSemver } from './values.ts';

/** Gives a signature, `Type.name(types): type`, its implementation. */
export type DeclareFunction = (signature: string, run: (...values: never[]) => unknown) => void;

const NANO = 1_000_000_000n;
const INT_MAX = 2n ** 63n - 1n;
export const QUANTITY_TYPE = 'kubernetes.Quantity';
export const SEMVER_TYPE = 'kubernetes.Semver';
/** What `matches` is called inside, since engines bring their own of that name. */
export const LINEAR_MATCHES = 'matchesInLinearTime';

export function declareQuantities(declare: DeclareFunction): void {
  const Q = QUANTITY_TYPE;
  const of = (nano: bigint): CelQuantity => new CelQuantity({ nano, format: 'DecimalSI' });
  const isWhole = ({ quantity: { nano } }: CelQuantity): boolean => {
    const whole = nano / NANO;
    return nano % NANO === 0n && whole <= INT_MAX && whole >= -INT_MAX - 1n;
  };
  declare(`quantity(string): ${Q}`, (text: string) => {
    try {
      return new CelQuantity(parseQuantity(text));
    } catch (error) {
      throw new CelEvaluationError((error as Error).message);
    }
  });
  declare('isQuantity(string): bool', (text: string) => tryParseQuantity(text) !== undefined);
  declare(`${Q}.sign(): int`, ({ quantity: { nano } }: CelQuantity) =>
    nano === 0n ? 0n : nano > 0n ? 1n : -1n,
  );
  declare(`${Q}.isInteger(): bool`, isWhole);
  declare(`${Q}.asInteger(): int`, (value: CelQuantity) => {
    if (!isWhole(value)) throw new CelEvaluationError('cannot convert value to integer');
    return wholeUnits(value.quantity);
  });
  declare(
    `${Q}.asApproximateFloat(): double`,
    ({ quantity: { nano } }: CelQuantity) => Number(nano) / Number(NANO),
  );
  const add = (a: CelQuantity, b: CelQuantity): CelQuantity =>
    new CelQuantity(addQuantity(a.quantity, b.quantity));
  const sub = (a: CelQuantity, b: CelQuantity): CelQuantity =>
    new CelQuantity(subtractQuantity(a.quantity, b.quantity));
  declare(`${Q}.add(${Q}): ${Q}`, add);
  declare(`${Q}.add(int): ${Q}`, (a: CelQuantity, b: bigint) => add(a, of(b * NANO)));
  declare(`${Q}.sub(${Q}): ${Q}`, sub);
  declare(`${Q}.sub(int): ${Q}`, (a: CelQuantity, b: bigint) => sub(a, of(b * NANO)));
  declareOrder(declare, Q, (a: CelQuantity, b: CelQuantity) => compareQuantity(a.quantity, b.quantity));
}

export function declareSemvers(declare: DeclareFunction): void {
  const S = SEMVER_TYPE;
  const read = (text: string, isLenient = false): CelSemver => {
    const version = isLenient ? parseSemverLeniently(text) : parseSemver(text);
    if (version === undefined) throw new CelEvaluationError(`invalid semver: ${text}`);
    return new CelSemver(version);
  };
  declare(`semver(string): ${S}`, (text: string) => read(text));
  declare(`semver(string, bool): ${S}`, read);
  declare('isSemver(string): bool', (text: string) => parseSemver(text) !== undefined);
  declare('isSemver(string, bool): bool', (text: string, isLenient: boolean) => {
    return (isLenient ? parseSemverLeniently(text) : parseSemver(text)) !== undefined;
  });
  for (const part of ['major', 'minor', 'patch'] as const)
    declare(`${S}.${part}(): int`, ({ version }: CelSemver) => version[part]);
  declareOrder(declare, S, (a: CelSemver, b: CelSemver) => compareSemver(a.version, b.version));
}

function declareOrder<T>(declare: DeclareFunction, type: string, compare: (a: T, b: T) => number): void {
  declare(`${type}.isLessThan(${type}): bool`, (a: T, b: T) => compare(a, b) < 0);
  declare(`${type}.isGreaterThan(${type}): bool`, (a: T, b: T) => compare(a, b) > 0);
  declare(`${type}.compareTo(${type}): int`, (a: T, b: T) => BigInt(Math.sign(compare(a, b))));
}

export function declareRegexes(declare: DeclareFunction): void {
  declare(`string.${LINEAR_MATCHES}(string): bool`, (text: string, pattern: string) =>
    regexOf(pattern).test(text),
  );
  declare('string.find(string): string', (text: string, pattern: string) => {
    const matcher = regexOf(pattern).matcher(text);
    return matcher.find() ? matcher.group()! : '';
  });
  declare('string.findAll(string): list<string>', (text: string, pattern: string) =>
    findAll(text, pattern, Infinity),
  );
  declare('string.findAll(string, int): list<string>', (text: string, pattern: string, limit: bigint) =>
    findAll(text, pattern, limit < 0n ? Infinity : Number(limit)),
  );
}

function findAll(text: string, pattern: string, limit: number): string[] {
  const matcher = regexOf(pattern).matcher(text);
  const found: string[] = [];
  let end = -1;
  while (found.length < limit && matcher.find()) {
    // As in Go, nothing is found right behind what was found before.
    if (matcher.start() === matcher.end() && matcher.start() === end) continue;
    found.push(matcher.group()!);
    end = matcher.end();
  }
  return found;
}

/** Patterns are few, and compiled once each. */
const regexes = new Map<string, RE2JS>();
const REGEXES_MAX = 256;

/** Throws {@link CelEvaluationError} when the pattern is none. */
export function regexOf(pattern: string): RE2JS {
  let regex = regexes.get(pattern);
  if (regex !== undefined) return regex;
  try {
    regex = RE2JS.compile(pattern);
  } catch (error) {
    throw new CelEvaluationError((error as Error).message);
  }
  if (regexes.size >= REGEXES_MAX) regexes.clear();
  regexes.set(pattern, regex);
  return regex;
}

export function declareStrings(declare: DeclareFunction): void {
  declare('string.replace(string, string): string', (text: string, from: string, to: string) =>
    text.replaceAll(from, () => to),
  );
  declare(
    'string.replace(string, string, int): string',
    (text: string, from: string, to: string, limit: bigint) => replaceSome(text, from, to, limit),
  );
  declare('string.charAt(int): string', (text: string, index: bigint) => {
    const chars = Array.from(text);
    const at = Number(index);
    if (at < 0 || at > chars.length) throw new CelEvaluationError(`index out of range: ${index}`);
    return chars[at] ?? '';
  });
  declare('string.reverse(): string', (text: string) => Array.from(text).reverse().join(''));
}

function replaceSome(text: string, from: string, to: string, limit: bigint): string {
  if (limit < 0n) return text.replaceAll(from, () => to);
  const parts = text.split(from);
  const count = Math.min(Number(limit), parts.length - 1);
  return [parts.slice(0, count + 1).join(to), ...parts.slice(count + 1)].join(from);
}
