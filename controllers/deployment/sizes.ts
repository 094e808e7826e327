/** How large the replica sets of a deployment may be. Mirrors deployment/util NewRSNewReplicas and GetReplicaSetProportion. */
import type { Deployment, ReplicaSet } from '../../openapi/generated/apps-v1.ts';
import { active, byAge, fenceposts, MAX_REPLICAS, totalReplicas } from './replica-sets.ts';

/** Size the new set may have now: what is asked for, within the surge. */
export function newSetSize(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): number {
  const replicas = deployment.spec.replicas ?? 1;
  if (deployment.spec.strategy?.type !== 'RollingUpdate') return replicas;
  const current = newSet?.spec.replicas ?? 0;
  if (current >= replicas) return replicas;
  const room = replicas + fenceposts(deployment).maxSurge - totalReplicas(sets);
  return room <= 0 ? current : current + Math.min(room, replicas - current);
}

/** Splits a change of size over several running sets, larger ones taking more. Mirrors GetReplicaSetProportion. */
export function proportions(
  deployment: Deployment,
  running: readonly ReplicaSet[],
  allowed: number,
): [ReplicaSet, number][] {
  const toAdd = allowed - totalReplicas(running);
  const newestFirst = byAge(running).reverse();
  const bySize = [...(toAdd > 0 ? newestFirst : [...newestFirst].reverse())].sort(
    (a, b) => b.spec.replicas! - a.spec.replicas!,
  );
  let added = 0;
  const sizes = new Map<ReplicaSet, number>();
  for (const set of bySize) {
    const size = set.spec.replicas!;
    const before = Number(set.metadata.annotations?.[MAX_REPLICAS] ?? 0) || (deployment.status.replicas ?? 0);
    const share = before === 0 ? 0 : Math.round((size * allowed) / before) - size;
    const left = toAdd - added;
    const change = toAdd === 0 ? 0 : toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
    sizes.set(set, size + change);
    added += change;
  }
  const first = bySize[0];
  if (first !== undefined && added !== toAdd)
    sizes.set(first, Math.max(0, sizes.get(first)! + toAdd - added));
  return [...sizes];
}

/**
 * Sizes the old sets may shrink to now. Pods that do not work go first, as many as there are beyond the least number of
 * available ones; then as many more as are available beyond it.
 */
export function oldSizes(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet,
): [ReplicaSet, number][] {
  const old = byAge(active(sets.filter(({ metadata }) => metadata.uid !== newSet.metadata.uid)));
  const minAvailable = (deployment.spec.replicas ?? 1) - fenceposts(deployment).maxUnavailable;
  const newUnavailable = (newSet.spec.replicas ?? 0) - (newSet.status.availableReplicas ?? 0);
  let removable = totalReplicas(sets) - minAvailable - newUnavailable;
  if (removable <= 0) return [];
  const sizes = new Map(old.map((set) => [set, set.spec.replicas!]));
  for (const [set, size] of sizes) {
    const count = Math.max(0, Math.min(removable, size - (set.status.availableReplicas ?? 0)));
    removable -= count;
    sizes.set(set, size - count);
  }
  let spare = sets.reduce((sum, set) => sum + remainingAvailable(set), 0) - minAvailable;
  for (const [set, size] of sizes) {
    const count = Math.max(0, Math.min(size, spare));
    spare -= count;
    sizes.set(set, size - count);
  }
  return [...sizes];
}

/** Available pods at most: a status from before the last step down still counts those that are on their way out. */
function remainingAvailable({ spec, status }: ReplicaSet): number {
  return Math.min(spec.replicas ?? 0, status.availableReplicas ?? 0);
}
