/** Texts and numbers in their canonical form: quantities, times, integers, base64. All throw {@link DecodeError}. */
import { formatMicroTime, formatTime } from './clock.ts';
import { DecodeError } from './decode-error.ts';
import { canonicalQuantity, QUANTITY_ERROR } from './quantity.ts';
import { remembering } from './remembering.ts';

const rememberedQuantity = remembering(canonicalQuantity);

/** Canonical text of a quantity. */
export function decodeQuantity(value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  if (typeof text !== 'string') throw new DecodeError(QUANTITY_ERROR);
  try {
    return rememberedQuantity(text);
  } catch (error) {
    throw new DecodeError((error as Error).message);
  }
}

const INTEGER_RANGES = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
} as const;

/** Whether it is a number that fits. */
export function isIntegerOf(type: keyof typeof INTEGER_RANGES, value: unknown): boolean {
  if (typeof value === 'number' ? !Number.isInteger(value) : typeof value !== 'bigint') return false;
  if (typeof value === 'number' && (value | 0) === value && (value >= 0 || type === 'int32')) return true;
  if (type === 'int64' && typeof value === 'number') return Number.isSafeInteger(value);
  const [min, max] = INTEGER_RANGES[type];
  const exact = BigInt(value as number | bigint);
  return exact >= min && exact <= max;
}

/** Base64 without line breaks. */
export function canonicalBase64(text: string): string {
  const compact = text.replaceAll(/[\r\n]/g, '');
  const bad = /[^A-Za-z0-9+/=]|=(?!=?$)/.exec(compact);
  if (bad !== null || compact.length % 4 !== 0)
    throw new DecodeError(`illegal base64 data at input byte ${bad?.index ?? compact.length}`);
  return compact;
}

/** A time of RFC 3339; `microtime` keeps microseconds. */
export function canonicalTime(type: 'time' | 'microtime', text: string): string {
  const epochMs = epochMsOf(text);
  if (Number.isNaN(epochMs)) {
    const layout = type === 'time' ? '2006-01-02T15:04:05Z07:00' : '2006-01-02T15:04:05.000000Z07:00';
    throw new DecodeError(
      `parsing time ${JSON.stringify(text)} as "${layout}": cannot parse ${JSON.stringify(text)} as "2006"`,
    );
  }
  return type === 'microtime' ? microTime(text, epochMs) : formatTime(epochMs);
}

/** Epoch milliseconds of an RFC 3339 time; NaN for any other text. */
const epochMsOf = remembering((text: string) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN,
);

/** Keeps microseconds that a number of milliseconds cannot. */
function microTime(text: string, epochMs: number): string {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  return `${formatMicroTime(epochMs).slice(0, 20)}${fraction.padEnd(6, '0').slice(0, 6)}Z`;
}
