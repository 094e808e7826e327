/** From what metrics ask for to what may be done: stabilization, rates, bounds. Mirrors normalizeDesiredReplicas of horizontal.go. */
import type { HorizontalPodAutoscaler, HPAScalingRules } from '../../openapi/generated/autoscaling-v2.ts';
import type { History } from './history.ts';

/** How long higher recommendations keep pods from being taken away. */
const DOWNSCALE_WINDOW_MS = 300_000;
const SCALE_UP_FACTOR = 2;
const SCALE_UP_MINIMUM = 4;

export interface Finding {
  readonly reason: string;
  readonly message: string;
}

export interface Limited {
  readonly replicas: number;
  /** For the condition AbleToScale. */
  readonly ability: Finding;
  /** For the condition ScalingLimited. */
  readonly limit: Finding & { readonly isLimited: boolean };
}

interface Wish {
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly history: History;
  readonly current: number;
  readonly desired: number;
  readonly min: number;
  readonly nowMs: number;
}

const READY: Finding = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const WITHIN: Finding = {
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
};
const TOO_MANY: Finding = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};
const TOO_FEW: Finding = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
};
const UP_LIMIT: Finding = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
};
const DOWN_LIMIT: Finding = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};
const DOWN_STABILIZED: Finding = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
};
const UP_STABILIZED: Finding = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
};

export function limit(wish: Wish): Limited {
  return wish.autoscaler.spec.behavior === undefined ? limitPlainly(wish) : limitByBehavior(wish);
}

function limitPlainly({ autoscaler, history, current, desired, min, nowMs }: Wish): Limited {
  const recent = history.recommendations(DOWNSCALE_WINDOW_MS, nowMs, true);
  const stable = Math.max(desired, ...recent);
  history.recommend(desired, DOWNSCALE_WINDOW_MS, nowMs);
  const { maxReplicas } = autoscaler.spec;
  const rate = Math.max(SCALE_UP_FACTOR * current, SCALE_UP_MINIMUM);
  let replicas = stable;
  let finding = WITHIN;
  if (stable < min) [replicas, finding] = [min, TOO_FEW];
  else if (stable > Math.min(maxReplicas, rate))
    [replicas, finding] = maxReplicas > rate ? [rate, UP_LIMIT] : [maxReplicas, TOO_MANY];
  return {
    replicas,
    ability: stable === desired ? READY : DOWN_STABILIZED,
    limit: { ...finding, isLimited: replicas !== stable },
  };
}

function limitByBehavior(wish: Wish): Limited {
  const { desired, current } = wish;
  const stable = stabilize(wish);
  const { replicas, finding } = rateLimited(wish, stable);
  return {
    replicas,
    ability: stable === desired ? READY : desired >= current ? UP_STABILIZED : DOWN_STABILIZED,
    limit: { ...finding, isLimited: replicas !== stable },
  };
}

/** Not above the lowest recommendation of the window for growing, nor below the highest of that for shrinking. */
function stabilize({ autoscaler, history, current, desired, nowMs }: Wish): number {
  const { scaleUp, scaleDown } = autoscaler.spec.behavior!;
  const upMs = (scaleUp?.stabilizationWindowSeconds ?? 0) * 1000;
  const downMs =
    scaleDown?.stabilizationWindowSeconds === undefined
      ? DOWNSCALE_WINDOW_MS
      : scaleDown.stabilizationWindowSeconds * 1000;
  const lowest = Math.min(desired, ...history.recommendations(upMs, nowMs, false));
  const highest = Math.max(desired, ...history.recommendations(downMs, nowMs, false));
  history.recommend(desired, Math.max(upMs, downMs), nowMs);
  return Math.min(Math.max(current, lowest), highest);
}

function rateLimited(
  { autoscaler, history, current, min, nowMs }: Wish,
  stable: number,
): { readonly replicas: number; readonly finding: Finding } {
  const { behavior, maxReplicas } = autoscaler.spec;
  if (stable > current) {
    const rate = Math.max(current, rateOf(behavior!.scaleUp, history, current, nowMs, 1));
    const allowed = Math.min(maxReplicas, rate);
    if (stable > allowed) return { replicas: allowed, finding: maxReplicas > rate ? UP_LIMIT : TOO_MANY };
  }
  if (stable < current) {
    const rate = Math.min(current, rateOf(behavior!.scaleDown, history, current, nowMs, -1));
    const allowed = Math.max(min, rate);
    if (stable < allowed) return { replicas: allowed, finding: min < rate ? DOWN_LIMIT : TOO_FEW };
  }
  return { replicas: stable, finding: WITHIN };
}

/** How far the policies let the size go; `direction` 1 is up, -1 down. */
function rateOf(
  rules: HPAScalingRules | undefined,
  history: History,
  current: number,
  nowMs: number,
  direction: 1 | -1,
): number {
  const { selectPolicy = 'Max', policies = [] } = rules ?? {};
  if (selectPolicy === 'Disabled') return current;
  const reached = policies.map(({ type, value, periodSeconds }) => {
    const before = history.replicasBefore(periodSeconds * 1000, current, nowMs);
    if (type === 'Pods') return before + direction * value;
    const percent = before * (1 + (direction * value) / 100);
    return direction > 0 ? Math.ceil(percent) : Math.trunc(percent);
  });
  if (reached.length === 0) return current;
  const goesFar = selectPolicy !== 'Min';
  return goesFar === direction > 0 ? Math.max(...reached) : Math.min(...reached);
}

/** The longest period whose changes of size matter. */
export function longestPeriodMs({ spec }: HorizontalPodAutoscaler, isUp: boolean): number {
  const { policies = [] } = (isUp ? spec.behavior?.scaleUp : spec.behavior?.scaleDown) ?? {};
  return Math.max(0, ...policies.map(({ periodSeconds }) => periodSeconds)) * 1000;
}
