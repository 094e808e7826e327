/** What containers and pods request. Mirrors validateResourceRequirements of pkg/apis/core/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { compareText, goQuote } from '../../machinery/go-format.ts';
import { addQuantity, formatQuantity, type Quantity } from '../../machinery/quantity.ts';
import {
  duplicate,
  forbidden,
  invalid,
  notFound,
  notSupported,
  required,
} from '../../machinery/field-errors.ts';
import type {
  Container,
  PodSpec,
  ResourceClaim,
  ResourceRequirements,
} from '../../../openapi/generated/core-v1.ts';
import { addDNSLabel, type Findings, sortedEntries } from '../common/findings.ts';
import {
  addContainerResourceName,
  addResourceName,
  addResourceQuantity,
  compareAmounts,
  isDivisibleByPage,
  isHugePages,
  isOvercommitAllowed,
  quantityOf,
} from '../common/resources.ts';
import { isRestartable, type PodRules } from './pod-rules.ts';

type NameCheck = (errors: Findings, at: FieldPath, name: string) => void;

export function addContainerResources(
  errors: Findings,
  at: FieldPath,
  requirements: ResourceRequirements,
  claims: ReadonlySet<string>,
  rules: PodRules,
): void {
  addRequirements(errors, at, requirements, addContainerResourceName, claims, rules);
}

function addRequirements(
  errors: Findings,
  at: FieldPath,
  { limits, requests, claims: own }: ResourceRequirements,
  checkName: NameCheck,
  claims: ReadonlySet<string>,
  rules: PodRules,
): void {
  let hasCompute = false;
  let hasHugePages = false;
  const addAmount = (place: FieldPath, name: string, value: string): void => {
    checkName(errors, place, name);
    addResourceQuantity(errors, place, name, value);
    if (name === 'cpu' || name === 'memory') hasCompute = true;
  };
  const addHugePages = (place: FieldPath, name: string, value: string): void => {
    if (!isHugePages(name)) return;
    hasHugePages = true;
    if (rules.allowIndivisibleHugePages !== true && !isDivisibleByPage(name, value))
      errors.push(invalid(place, value, `${value} is not positive integer multiple of ${name}`));
  };
  for (const [name, value] of sortedEntries(limits)) {
    const place = at.child('limits').key(name);
    addAmount(place, name, value);
    addHugePages(place, name, value);
  }
  for (const [name, value] of sortedEntries(requests)) {
    const place = at.child('requests').key(name);
    addAmount(place, name, value);
    addRequestAgainstLimit(errors, at, name, value, limits?.[name]);
    addHugePages(place, name, value);
  }
  if (hasHugePages && !hasCompute) errors.push(forbidden(at, 'HugePages require cpu or memory'));
  if (own !== undefined) addClaimNames(errors, at.child('claims'), own, claims);
}

function addRequestAgainstLimit(
  errors: Findings,
  at: FieldPath,
  name: string,
  request: string,
  limit: string | undefined,
): void {
  if (limit === undefined) {
    if (!isOvercommitAllowed(name))
      errors.push(required(at.child('limits'), 'Limit must be set for non overcommitable resources'));
    return;
  }
  if (request === limit) return;
  const order = compareAmounts(request, limit);
  if (order !== 0 && !isOvercommitAllowed(name))
    errors.push(invalid(at.child('requests'), request, `must be equal to ${name} limit of ${limit}`));
  else if (order > 0)
    errors.push(
      invalid(at.child('requests'), request, `must be less than or equal to ${name} limit of ${limit}`),
    );
}

function addClaimNames(
  errors: Findings,
  at: FieldPath,
  own: readonly ResourceClaim[],
  claims: ReadonlySet<string>,
): void {
  const names = new Set<string>();
  own.forEach(({ name = '', request = '' }, index) => {
    const place = at.index(index);
    if (name === '') errors.push(required(place));
    else addClaimKey(errors, place, name, request, names);
    if (name === '' || claims.has(name)) return;
    const known = [...claims].sort(compareText).join(', ');
    const suffix = claims.size === 0 ? ' which is empty' : `: ${known}`;
    errors.push({
      ...notFound(place, name),
      message: `Not found: ${goQuote(name)}: must be one of the names in pod.spec.resourceClaims${suffix}`,
    });
  });
}

function addClaimKey(
  errors: Findings,
  at: FieldPath,
  name: string,
  request: string,
  names: Set<string>,
): void {
  if (names.has(name)) {
    errors.push(duplicate(at, name));
    return;
  }
  if (request !== '') addDNSLabel(errors, at.child('request'), request);
  const key = request === '' ? name : `${name}/${request}`;
  if (names.has(key)) errors.push(duplicate(at, key));
  else if (request === '')
    for (const other of names) if (other.startsWith(`${name}/`)) errors.push(duplicate(at, name));
  names.add(key);
}

/** What running a pod costs beyond its containers. */
export function addOverhead(
  errors: Findings,
  at: FieldPath,
  overhead: Record<string, string>,
  rules: PodRules,
): void {
  addRequirements(errors, at, { limits: overhead }, addContainerResourceName, new Set(), rules);
}

const POD_LEVEL = ['cpu', 'memory'];
const POD_LEVEL_SHOWN = ['cpu', 'hugepages-', 'memory'];

export function isPodLevelResource(name: string): boolean {
  return POD_LEVEL.includes(name) || isHugePages(name);
}

function addPodResourceName(errors: Findings, at: FieldPath, name: string): void {
  if (addResourceName(errors, at, name) && !isPodLevelResource(name))
    errors.push(notSupported(at, name, POD_LEVEL_SHOWN));
}

/** Amounts by name. */
export type Amounts = Map<string, Quantity>;

function addAmounts(sum: Amounts, list: Readonly<Record<string, string>> | undefined): void {
  for (const [name, value] of Object.entries(list ?? {})) {
    const before = sum.get(name);
    sum.set(name, before === undefined ? quantityOf(value) : addQuantity(before, quantityOf(value)));
  }
}

function raiseTo(sum: Amounts, other: Amounts): void {
  for (const [name, value] of other) {
    const before = sum.get(name);
    if (before === undefined || before.nano < value.nano) sum.set(name, value);
  }
}

/**
 * What the containers need together: the sum of those that run side by side, or the most that starting takes, when that is
 * more. Mirrors AggregateContainerRequests and AggregateContainerLimits of component-helpers.
 */
export function aggregateContainers(
  { containers, initContainers }: PodSpec,
  member: 'requests' | 'limits',
): Amounts {
  const total: Amounts = new Map();
  for (const { resources } of containers ?? []) addAmounts(total, resources?.[member]);
  const restartable: Amounts = new Map();
  const starting: Amounts = new Map();
  for (const container of (initContainers ?? []) as Container[]) {
    const own = container.resources?.[member];
    const needed: Amounts = new Map();
    if (isRestartable(container)) {
      addAmounts(total, own);
      addAmounts(restartable, own);
      raiseTo(starting, restartable);
      continue;
    }
    addAmounts(needed, own);
    for (const [name, value] of restartable)
      needed.set(name, needed.has(name) ? addQuantity(needed.get(name)!, value) : value);
    raiseTo(starting, needed);
  }
  raiseTo(total, starting);
  return total;
}

/** Resources of the pod as a whole. Mirrors validatePodResources. */
export function addPodResources(
  errors: Findings,
  at: FieldPath,
  spec: PodSpec,
  claims: ReadonlySet<string>,
  rules: PodRules,
): void {
  const { resources } = spec;
  if (resources === undefined) return;
  if (spec.os?.name === 'windows') {
    errors.push(forbidden(at, 'may not be set for a windows pod'));
    return;
  }
  if (resources.claims !== undefined)
    errors.push(forbidden(at.child('claims'), 'claims may not be set for Resources at pod-level'));
  addRequirements(errors, at, resources, addPodResourceName, claims, rules);
  addPodConsistency(errors, at, spec);
}

function addPodConsistency(errors: Findings, at: FieldPath, spec: PodSpec): void {
  const { requests = {}, limits = {} } = spec.resources!;
  const requested = [...aggregateContainers(spec, 'requests')].sort(([a], [b]) => compareText(a, b));
  for (const [name, amount] of requested) {
    const own = requests[name];
    if (own === undefined || amount.nano <= quantityOf(own).nano) continue;
    const text = `must be greater than or equal to aggregate container requests of ${formatQuantity(amount)}`;
    errors.push(invalid(at.child('requests').key(name), own, text));
  }
  for (const [name, amount] of aggregateContainers(spec, 'limits')) {
    const own = limits[name];
    if (!isHugePages(name) || own === undefined || amount.nano <= quantityOf(own).nano) continue;
    const text = `must be greater than or equal to aggregate container limits of ${formatQuantity(amount)}`;
    errors.push(invalid(at.child('limits').key(name), own, text));
  }
  spec.containers?.forEach(({ resources }, index) => {
    for (const [name, value] of sortedEntries(resources?.limits)) {
      const own = limits[name];
      if (own === undefined || compareAmounts(value, own) <= 0) continue;
      const place = at.child('containers').index(index).key(name).child('limits');
      errors.push(invalid(place, value, `must be less than or equal to pod limits of ${own}`));
    }
  });
}
