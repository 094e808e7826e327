import type { Pod } from '../../../openapi/generated/core-v1.ts';

/** All containers have ended and none will start again. Mirrors podutil.IsPodTerminal. */
export function isPodTerminal({ status }: Pick<Pod, 'status'>): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed';
}
