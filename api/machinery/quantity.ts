/** Exact resource quantities in Kubernetes' notation: `500m`, `1Gi`, `1e3`. Mirrors apimachinery resource.Quantity. */

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** The number `value * 10^-9`, and how it is written. Nano is the finest step; what is finer is rounded up. */
export interface Quantity {
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

const NANO = 1_000_000_000n;
const MAX_NANO = (2n ** 63n - 1n) * NANO;
const PATTERN = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)((?:[KMGTPE]i)|[numkMGTPE]|(?:[eE][+-]?\d+))?$/;

/** Powers of ten that decimal suffixes stand for. */
export const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const DECIMAL_SUFFIXES = Object.keys(DECIMAL_EXPONENTS);
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** Upstream's words for what is no quantity. */
export const QUANTITY_ERROR =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Reads a quantity. Throws an Error with upstream's text when `text` is none. */
export function parseQuantity(text: string): Quantity {
  const quantity = tryParseQuantity(text);
  if (quantity === undefined) throw new Error(QUANTITY_ERROR);
  return quantity;
}

/** As {@link parseQuantity}, with undefined instead of an error. */
export function tryParseQuantity(text: string): Quantity | undefined {
  // Go's parser takes a sign alone as zero.
  const match = PATTERN.exec(text === '-' || text === '+' ? '0' : text);
  if (match === null) return undefined;
  const [, sign, digits, suffix = ''] = match as unknown as [string, string, string, string | undefined];
  const [whole, fraction = ''] = digits.split('.') as [string, string | undefined];
  const mantissa = BigInt(`${whole}${fraction}` || '0');
  const scaled = scale(mantissa, fraction.length, suffix);
  const capped = scaled.nano > MAX_NANO ? MAX_NANO : scaled.nano;
  return { nano: sign === '-' ? -capped : capped, format: scaled.format };
}

function scale(mantissa: bigint, fractionDigits: number, suffix: string): Quantity {
  const binary = BINARY_SUFFIXES.indexOf(suffix);
  if (binary > 0) {
    const numerator = mantissa * 1024n ** BigInt(binary) * NANO;
    return { nano: divideUp(numerator, 10n ** BigInt(fractionDigits)), format: 'BinarySI' };
  }
  const isExponent = /^[eE]./.test(suffix);
  const exponent = (isExponent ? Number(suffix.slice(1)) : DECIMAL_EXPONENTS[suffix]!) - fractionDigits + 9;
  // Exponents beyond reason would make numbers of any length; both ends are capped anyway.
  const clamped = Math.max(-200, Math.min(200, exponent));
  const nano = clamped >= 0 ? mantissa * 10n ** BigInt(clamped) : divideUp(mantissa, 10n ** BigInt(-clamped));
  return { nano, format: isExponent ? 'DecimalExponent' : 'DecimalSI' };
}

function divideUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

/** The canonical form: no fraction, the largest suffix that keeps the number whole. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0';
  const sign = nano < 0n ? '-' : '';
  const size = nano < 0n ? -nano : nano;
  // Binary suffixes cannot write fractions, nor are they used below 1024.
  if (format === 'BinarySI' && size % NANO === 0n && size >= 1024n * NANO)
    return sign + formatBinary(size / NANO);
  let mantissa = size;
  let exponent = -9;
  while (mantissa % 1000n === 0n && exponent < 18) {
    mantissa /= 1000n;
    exponent += 3;
  }
  if (format === 'DecimalExponent') return `${sign}${mantissa}${exponent === 0 ? '' : `e${exponent}`}`;
  const suffix = DECIMAL_SUFFIXES.find((name) => DECIMAL_EXPONENTS[name] === exponent)!;
  return `${sign}${mantissa}${suffix}`;
}

function formatBinary(value: bigint): string {
  let mantissa = value;
  let index = 0;
  while (mantissa % 1024n === 0n && index < BINARY_SUFFIXES.length - 1) {
    mantissa /= 1024n;
    index++;
  }
  return `${mantissa}${BINARY_SUFFIXES[index]}`;
}

/** Negative, zero or positive as `a` is less than, equal to or more than `b`. */
export function compareQuantity(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

/** The sum, written as `a` is unless `a` is zero. */
export function addQuantity(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format };
}

export function subtractQuantity(a: Quantity, b: Quantity): Quantity {
  return addQuantity(a, { ...b, nano: -b.nano });
}

/** Thousandths, rounded up: CPU in millicores. */
export function milli({ nano }: Quantity): bigint {
  return roundUp(nano, 1_000_000n);
}

/** Whole units, rounded up: bytes. */
export function wholeUnits({ nano }: Quantity): bigint {
  return roundUp(nano, NANO);
}

function roundUp(nano: bigint, step: bigint): bigint {
  return nano > 0n ? divideUp(nano, step) : -(-nano / step);
}

export const ZERO_QUANTITY: Quantity = { nano: 0n, format: 'DecimalSI' };

/** `text` in canonical form. Throws as {@link parseQuantity}. */
export function canonicalQuantity(text: string): string {
  return formatQuantity(parseQuantity(text));
}
