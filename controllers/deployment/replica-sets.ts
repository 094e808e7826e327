/** The replica sets of a deployment: names, revisions, annotations. Mirrors deployment/util. */
import { equalJSON } from '../../api/machinery/equality.ts';
import type { Deployment, ReplicaSet } from '../../openapi/generated/apps-v1.ts';
import type { PodTemplateSpec } from '../../openapi/generated/core-v1.ts';

export const HASH_LABEL = 'pod-template-hash';
export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** Characters of a DNS subdomain. */
const NAME_LENGTH_MAX = 253;
/** Most characters the record of earlier revisions may have. */
const REVISION_HISTORY_LENGTH = 2000;

/** Annotations of a deployment that do not go over to its replica sets. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);

/** Name of the replica set for a template: the deployment's is cut where the two would be too long. */
export function replicaSetName(deployment: string, hash: string): string {
  return `${deployment.slice(0, NAME_LENGTH_MAX - hash.length - 1)}-${hash}`;
}

/** Whether a replica set is of this template, its hash label aside. */
export function hasTemplate(set: ReplicaSet, template: PodTemplateSpec): boolean {
  return equalJSON(withoutHash(set.spec.template), withoutHash(template));
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [HASH_LABEL]: _hash, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

/** The oldest replica set of the deployment's present template. */
export function findNew(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return byAge(sets).find((set) => hasTemplate(set, deployment.spec.template));
}

export function byAge(sets: readonly ReplicaSet[]): ReplicaSet[] {
  const key = ({ metadata }: ReplicaSet): string => `${metadata.creationTimestamp}/${metadata.name}`;
  return [...sets].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** 0 where it is missing or no number. */
export function revisionOf({ metadata }: ReplicaSet | Deployment): number {
  const text = metadata.annotations?.[REVISION] ?? '';
  return isRevision(text) ? Number(text) : 0;
}

function isRevision(text: string): boolean {
  return /^[+-]?[0-9]+$/.test(text);
}

export function maxRevision(sets: readonly ReplicaSet[]): number {
  return Math.max(0, ...sets.map(revisionOf));
}

/** Annotations of the new replica set at `revision`: the deployment's, and the record of earlier revisions. */
export function newSetAnnotations(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  revision: number,
): Record<string, string> {
  const current = set?.metadata.annotations ?? {};
  const text = current[REVISION];
  // Whatever somebody put there in place of a number stays, and with it all else.
  if (text !== undefined && text !== '' && !isRevision(text)) return current;
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(
    ([name]) => !NOT_COPIED.has(name),
  );
  const annotations: Record<string, string> = { ...current, ...Object.fromEntries(copied) };
  const before = set === undefined ? 0 : revisionOf(set);
  if (before >= revision) return annotations;
  annotations[REVISION] = String(revision);
  if (text !== undefined) annotations[REVISION_HISTORY] = withRevision(current[REVISION_HISTORY], text);
  return annotations;
}

/** The oldest revisions are forgotten when the text gets too long. */
function withRevision(history: string | undefined, revision: string): string {
  const revisions = [...(history ?? '').split(',').filter((entry) => entry !== ''), revision];
  while (revisions.join(',').length > REVISION_HISTORY_LENGTH) revisions.shift();
  return revisions.join(',');
}

/** Replicas asked for in all, by spec. */
export function totalReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + (set.spec.replicas ?? 0), 0);
}

export function availableReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + (set.status.availableReplicas ?? 0), 0);
}

export function active(sets: readonly ReplicaSet[]): ReplicaSet[] {
  return sets.filter((set) => (set.spec.replicas ?? 0) > 0);
}

function resolve(
  amount: number | string | undefined,
  total: number,
  round: (value: number) => number,
): number {
  if (typeof amount === 'string') return round((parseInt(amount, 10) * total) / 100);
  return amount ?? 0;
}

/** The new set has all pods it should, every one available, and was told so. Mirrors deployment/util IsSaturated. */
export function isSaturated({ spec }: Deployment, newSet: ReplicaSet | undefined): boolean {
  const replicas = spec.replicas ?? 1;
  return (
    newSet !== undefined &&
    newSet.spec.replicas === replicas &&
    newSet.metadata.annotations?.[DESIRED_REPLICAS] === String(replicas) &&
    (newSet.status.availableReplicas ?? 0) === replicas
  );
}

/** How many pods more, and fewer, than asked for a rollout may have. Both zero would never move. */
export function fenceposts({ spec }: Deployment): {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
} {
  if (spec.strategy?.type !== 'RollingUpdate') return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = spec.replicas ?? 1;
  const maxSurge = resolve(spec.strategy.rollingUpdate?.maxSurge, replicas, Math.ceil);
  const unavailable = resolve(spec.strategy.rollingUpdate?.maxUnavailable, replicas, Math.floor);
  const moving = maxSurge === 0 && unavailable === 0 ? 1 : unavailable;
  return { maxSurge, maxUnavailable: Math.min(replicas, moving) };
}
