/** Quantities as Go prints their private fields, which hashes of pod templates are made of. */
import { DECIMAL_EXPONENTS, parseQuantity } from './quantity.ts';

const QUANTITY = /^(-?)(\d+)([EPTGMK]i|[numkMGTPE]?|e-?\d+)$/;
const BINARY = 'KMGTPE';
const MAX_INT64 = 2n ** 63n - 1n;
/** Decimal digits that always fit into 64 bits. */
const DIGITS = 18;

/** `text` is canonical. Mirrors the two ways of ParseQuantity: 64 bits with a scale, or a decimal of any length. */
export function printQuantity(text: string): string {
  const { nano, format } = parseQuantity(text);
  if (text === '0') return fast(0n, 0, text, format);
  const [, sign, digits, suffix] = QUANTITY.exec(text)! as unknown as [string, string, string, string];
  const signed = (value: bigint): bigint => (sign === '-' ? -value : value);
  if (format === 'BinarySI') {
    const bits = 10 * (BINARY.indexOf(suffix[0]!) + 1);
    const result = BigInt(digits) << BigInt(bits);
    const precision = 15 - digits.length - Math.trunc(bits * 0.3) - 1;
    if (precision >= 0 && result <= MAX_INT64)
      return fast(signed(result), 0, BigInt(digits) % 8n === 0n ? '' : text, format);
  } else {
    const scale = suffix.startsWith('e') ? Number(suffix.slice(1)) : DECIMAL_EXPONENTS[suffix]!;
    if (digits.length <= DIGITS && scale >= -9) return fast(signed(BigInt(digits)), scale, text, format);
  }
  return slow(nano, format);
}

function fast(value: bigint, scale: number, text: string, format: string): string {
  const amount = `i:(resource.int64Amount){value:(int64)${value} scale:(resource.Scale)${scale}}`;
  return `{${amount} d:(resource.infDecAmount){Dec:(*inf.Dec)<nil>} s:(string)${text} Format:(resource.Format)${format}}`;
}

function slow(nano: bigint, format: string): string {
  const words: bigint[] = [];
  for (let rest = nano < 0n ? -nano : nano; rest > 0n; rest >>= 64n) words.push(BigInt.asUintN(64, rest));
  const unscaled = `unscaled:(big.Int){neg:(bool)${nano < 0n} abs:(big.nat)[${words.join(' ')}]}`;
  const decimal = `d:(resource.infDecAmount){Dec:(*inf.Dec){${unscaled} scale:(inf.Scale)9}}`;
  return `{i:(resource.int64Amount){value:(int64)0 scale:(resource.Scale)0} ${decimal} s:(string) Format:(resource.Format)${format}}`;
}
