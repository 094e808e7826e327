/** Versions by semver.org 2.0.0. */

export interface Semver {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  /** Parts of the pre-release; numbers are bigints. */
  readonly prerelease: readonly (string | bigint)[];
}

const NUMERIC = '(0|[1-9]\\d*)';
const PRERELEASE = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const BUILD = '[0-9a-zA-Z-]+';
const PATTERN = new RegExp(
  `^${NUMERIC}\\.${NUMERIC}\\.${NUMERIC}(?:-(${PRERELEASE}(?:\\.${PRERELEASE})*))?(?:\\+${BUILD}(?:\\.${BUILD})*)?$`,
);

/** Undefined when the text is no version. */
export function parseSemver(text: string): Semver | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, prerelease] = match;
  const parts = prerelease === undefined ? [] : prerelease.split('.');
  return {
    major: BigInt(major!),
    minor: BigInt(minor!),
    patch: BigInt(patch!),
    prerelease: parts.map((part) => (/^\d+$/.test(part) ? BigInt(part) : part)),
  };
}

/** As {@link parseSemver}, of what is nearly one: a leading `v`, missing parts and leading zeros are put right. */
export function parseSemverLeniently(text: string): Semver | undefined {
  const [, numbers = '', rest = ''] = /^v?([^-+]*)(.*)$/s.exec(text)!;
  const parts = numbers.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
  if (parts.length > 3 || (rest !== '' && parts.length < 3)) return undefined;
  while (parts.length < 3) parts.push('0');
  return parseSemver(parts.join('.') + rest);
}

/** Negative, zero or positive as `a` comes before, with or after `b`; build metadata does not count. */
export function compareSemver(a: Semver, b: Semver): number {
  for (const part of ['major', 'minor', 'patch'] as const)
    if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1;
  if (a.prerelease.length === 0 || b.prerelease.length === 0)
    return (a.prerelease.length === 0 ? 1 : 0) - (b.prerelease.length === 0 ? 1 : 0);
  const shared = Math.min(a.prerelease.length, b.prerelease.length);
  for (let i = 0; i < shared; i++) {
    const order = comparePart(a.prerelease[i]!, b.prerelease[i]!);
    if (order !== 0) return order;
  }
  return a.prerelease.length - b.prerelease.length;
}

/** Numbers come before texts. */
function comparePart(a: string | bigint, b: string | bigint): number {
  if (a === b) return 0;
  if (typeof a !== typeof b) return typeof a === 'bigint' ? -1 : 1;
  return a < b ? -1 : 1;
}
