/** Counts of pods as specs ask for them and statuses tell them. */

/** A count as statuses have it: absent when 0. */
export function nonZero(count: number): number | undefined {
  return count === 0 ? undefined : count;
}

/**
 * A number of pods, or a percentage of `total`, rounded up; 0 when absent.
 * Mirrors intstr GetScaledValueFromIntOrPercent.
 */
export function scaledUp(amount: number | string | undefined, total: number): number {
  return typeof amount === 'string' ? Math.ceil((parseInt(amount, 10) * total) / 100) : (amount ?? 0);
}
