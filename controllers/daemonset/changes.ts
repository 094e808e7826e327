/** What keeps a daemon set on its nodes and rolls a new template out. Mirrors daemon_controller.go manage and update.go. */
import { scaledUp } from '../runtime/counts.ts';
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import type { DaemonSet } from '../../openapi/generated/apps-v1.ts';
import type { Node, Pod } from '../../openapi/generated/core-v1.ts';
import { isPodReady } from '../runtime/pods.ts';
import { HASH_LABEL, isAvailable, isGoing, isUpdated, type View } from './daemon-pods.ts';
import type { Verdict } from './placement.ts';

/** Pods to make, by node, and to delete. */
export interface Changes {
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Those of `remove` that go because they ended, while their node still wants one. */
  readonly ended?: readonly Pod[];
}

type Judge = (node: Node) => Verdict;

function maxSurge({ spec: { updateStrategy } }: DaemonSet, total: number): number {
  return updateStrategy?.type === 'RollingUpdate'
    ? scaledUp(updateStrategy.rollingUpdate?.maxSurge, total)
    : 0;
}

/** One pod on every node that should have one; while surging a second, until it can take over. */
export function upkeep(
  view: View,
  nodes: readonly Node[],
  judge: Judge,
  mayRemoveFailed: (pod: Pod, node: string) => boolean,
): Changes {
  const create: string[] = [];
  const remove: Pod[] = [];
  const over: Pod[] = [];
  const known = new Set<string>();
  for (const node of nodes) {
    const name = node.metadata.name!;
    known.add(name);
    const { shouldRun, mayStay } = judge(node);
    const pods = view.byNode.get(name);
    if (pods === undefined) {
      if (shouldRun) create.push(name);
      continue;
    }
    if (!mayStay) {
      remove.push(...pods.filter((pod) => !isGoing(pod)));
      continue;
    }
    const { running, ended } = sortOut(pods);
    const removable = ended.filter((pod) => pod.status.phase !== 'Failed' || mayRemoveFailed(pod, name));
    over.push(...removable);
    remove.push(...removable);
    if (maxSurge(view.set, 1) === 0) remove.push(...running.slice(1));
    else if (running.length > 1) remove.push(...surplus(running, view));
    else if (running.length === 0 && shouldRun) create.push(name);
  }
  // Nobody else takes away what was meant for a node that is gone.
  for (const [node, pods] of view.byNode)
    if (!known.has(node)) remove.push(...pods.filter(({ spec }) => (spec.nodeName ?? '') === ''));
  return { create, remove, ended: over };
}

function sortOut(pods: readonly Pod[]): { readonly running: Pod[]; readonly ended: Pod[] } {
  const here = pods.filter((pod) => !isGoing(pod));
  return { running: here.filter((pod) => !isPodTerminal(pod)), ended: here.filter(isPodTerminal) };
}

/** Of one node: all but the oldest new and the oldest old pod, and the old one when it is no longer needed. */
function surplus(running: readonly Pod[], view: View): Pod[] {
  const newest = running.filter((pod) => isNew(pod, view));
  const oldest = running.filter((pod) => !isNew(pod, view));
  const extra = [...newest.slice(1), ...oldest.slice(1)];
  const [fresh] = newest;
  const [old] = oldest;
  if (fresh !== undefined && old !== undefined && (!isPodReady(old) || isAvailable(fresh, view)))
    extra.push(old);
  return extra;
}

function isNew({ metadata }: Pod, { hash }: View): boolean {
  return metadata.labels?.[HASH_LABEL] === hash;
}

/** The new and the old pod of a node; undefined when there is more than one of either, which upkeep sees to. */
function pairOf(pods: readonly Pod[], view: View): { readonly fresh?: Pod; readonly old?: Pod } | undefined {
  const here = pods.filter((pod) => !isGoing(pod));
  const fresh = here.filter((pod) => isUpdated(pod, view));
  const old = here.filter((pod) => !isUpdated(pod, view));
  return fresh.length > 1 || old.length > 1 ? undefined : { fresh: fresh[0], old: old[0] };
}

/** The next step of a rolling update. */
export function rollingUpdate(view: View, nodes: readonly Node[], judge: Judge): Changes {
  const wanted = nodes.filter((node) => judge(node).shouldRun);
  const surge = maxSurge(view.set, wanted.length);
  const given = scaledUp(view.set.spec.updateStrategy?.rollingUpdate?.maxUnavailable, wanted.length);
  const unavailable = given === 0 && surge === 0 ? 1 : given;
  const groups = new Map(view.byNode);
  for (const { metadata } of wanted) if (!groups.has(metadata.name!)) groups.set(metadata.name!, []);
  return surge === 0
    ? { create: [], remove: replaced(view, groups, unavailable) }
    : surged(view, groups, surge, new Set(wanted.map(({ metadata }) => metadata.name!)));
}

/** Old pods that may go now: those that do not work, and as many others as may be missing. */
function replaced(view: View, groups: ReadonlyMap<string, readonly Pod[]>, maxUnavailable: number): Pod[] {
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const pods of groups.values()) {
    const { fresh, old } = pairOf(pods, view) ?? {};
    if ((fresh === undefined) === (old === undefined)) unavailable++;
    else if (fresh !== undefined) unavailable += isAvailable(fresh, view) ? 0 : 1;
    else if (isAvailable(old!, view)) candidates.push(old!);
    else {
      broken.push(old!);
      unavailable++;
    }
  }
  return [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))];
}

/** New pods beside old ones within the surge; old ones go once the new one of their node is available. */
function surged(
  view: View,
  groups: ReadonlyMap<string, readonly Pod[]>,
  maxSurging: number,
  wanted: ReadonlySet<string>,
): Changes {
  const create: string[] = [];
  const candidates: string[] = [];
  const remove: Pod[] = [];
  const unwanted: Pod[] = [];
  let surging = 0;
  let available = 0;
  for (const [node, pods] of groups) {
    const pair = pairOf(pods, view);
    if (pair === undefined) {
      surging++;
      continue;
    }
    const { fresh, old } = pair;
    const counted = old ?? fresh;
    if (counted !== undefined && isAvailable(counted, view)) available++;
    if (old === undefined) continue;
    if (fresh !== undefined) {
      if (isAvailable(fresh, view)) remove.push(old);
      else surging++;
    } else if (!isAvailable(old, view)) {
      if (wanted.has(node)) create.push(node);
      else remove.push(old);
    } else if (wanted.has(node)) candidates.push(node);
    else unwanted.push(old);
  }
  remove.push(...unwanted.slice(0, Math.max(0, available - wanted.size)));
  create.push(...candidates.slice(0, Math.max(0, maxSurging - surging)));
  return { create, remove };
}
