/** Durations as Go prints them, which protobuf has as nanoseconds. */

const UNIT_NANOS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Nanoseconds of a Go duration such as `1h2m3.5s`. */
export function durationNanos(text: string): bigint {
  let total = 0n;
  for (const [, whole, fraction = '', unit] of text.matchAll(/(\d*)(?:\.(\d+))?(ns|us|\u00b5s|ms|s|m|h)/g)) {
    total += (BigInt(`${whole}${fraction}` || '0') * UNIT_NANOS[unit!]!) / 10n ** BigInt(fraction.length);
  }
  return text.startsWith('-') ? -total : total;
}

/** As Go prints a duration: `1h2m3.5s`, `0s`, `1.5ms`. */
export function formatDuration(nanos: number | bigint): string {
  const total = BigInt(nanos);
  if (total === 0n) return '0s';
  const sign = total < 0n ? '-' : '';
  const size = total < 0n ? -total : total;
  for (const unit of ['ns', 'µs', 'ms'] as const) {
    const next = UNIT_NANOS[unit]! * 1000n;
    if (size < next) return `${sign}${decimal(size, UNIT_NANOS[unit]!)}${unit}`;
  }
  const hours = size / UNIT_NANOS['h']!;
  const minutes = (size / UNIT_NANOS['m']!) % 60n;
  const seconds = decimal(size % UNIT_NANOS['m']!, UNIT_NANOS['s']!);
  return `${sign}${hours > 0n ? `${hours}h` : ''}${hours > 0n || minutes > 0n ? `${minutes}m` : ''}${seconds}s`;
}

function decimal(value: bigint, unit: bigint): string {
  const rest = value % unit;
  if (rest === 0n) return String(value / unit);
  const digits = String(rest).padStart(String(unit).length - 1, '0');
  return `${value / unit}.${digits.replace(/0+$/, '')}`;
}
