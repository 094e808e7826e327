/** Fills in which IP families a service has, and refuses those it cannot. Mirrors initIPFamilyFields of registry/core/service/storage. */
import { addClusterIPs } from '../../api/groups/core/service-ips.ts';
import { familyOf, otherFamily, type IPFamily } from '../../api/groups/common/prefix.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { newInvalid, type FieldError } from '../../api/machinery/errors.ts';
import { path } from '../../api/machinery/field-path.ts';
import { invalid } from '../../api/machinery/field-errors.ts';
import type { Service, ServiceSpec } from '../../openapi/generated/core-v1.ts';

const POLICY = path('spec', 'ipFamilyPolicy');
const IPS = path('spec', 'clusterIPs');
const FAMILIES = path('spec', 'ipFamilies');

/** `configured`: the families the cluster has ranges of, the default one first. Throws 422. */
export function initIPFamilies(
  service: Service,
  old: Service | undefined,
  configured: readonly IPFamily[],
): void {
  const { spec } = service;
  if (spec.type === 'ExternalName' || isKeptDualStack(spec, old?.spec)) return;
  spec.ipFamilyPolicy ??= old?.spec.ipFamilyPolicy ?? defaultPolicy(spec);
  const errors: FieldError[] = [];
  addClusterIPs(errors, spec, old?.spec.clusterIPs ?? []);
  refuse(service, errors);
  if (old !== undefined) followPolicy(errors, spec, old.spec);
  addPolicyErrors(errors, spec);
  inferFamilies(errors, spec, configured);
  refuse(service, errors);
  if (isHeadlessWithoutSelector(spec)) {
    // It may have families the cluster has not: its endpoints are the user's.
    fillFamilies(spec, configured[0]!, spec.ipFamilyPolicy !== 'SingleStack');
    return;
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2)
    errors.push(
      invalid(POLICY, spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'),
    );
  spec.ipFamilies?.forEach((family, index) => {
    if (!configured.includes(family as IPFamily))
      errors.push(invalid(FAMILIES.index(index), family, 'not configured on this cluster'));
  });
  refuse(service, errors);
  fillFamilies(spec, configured[0]!, spec.ipFamilyPolicy !== 'SingleStack' && configured.length === 2);
}

function refuse({ metadata }: Service, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw newInvalid('', 'Service', metadata.name ?? '', errors);
}

function isHeadlessWithoutSelector({ clusterIP, selector = {} }: ServiceSpec): boolean {
  return clusterIP === 'None' && Object.keys(selector).length === 0;
}

function defaultPolicy(spec: ServiceSpec): string {
  return isHeadlessWithoutSelector(spec) ? 'RequireDualStack' : 'SingleStack';
}

function sameList(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  return equalJSON(one ?? [], other ?? []);
}

/** A service that prefers two stacks is neither upgraded nor downgraded by a write that is not about that. */
export function isKeptDualStack(spec: ServiceSpec, old: ServiceSpec | undefined): boolean {
  if (old === undefined || old.type !== spec.type) return false;
  return (
    ['ClusterIP', 'NodePort', 'LoadBalancer'].includes(spec.type ?? '') &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    (old.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
    sameList(spec.clusterIPs, old.clusterIPs) &&
    sameList(spec.ipFamilies, old.ipFamilies)
  );
}

/** SingleStack alone says that the second address and family go; without it they may not. */
function followPolicy(errors: FieldError[], spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (sameList(spec.clusterIPs, old.clusterIPs)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1);
    if (sameList(spec.ipFamilies, old.ipFamilies)) spec.ipFamilies = spec.ipFamilies?.slice(0, 1);
    return;
  }
  const isReduced = (list: readonly string[] = [], before: readonly string[] = []): boolean =>
    list.length > 0 && list.length < before.length;
  const text = (what: string): string => `must be 'SingleStack' to release the secondary ${what}`;
  if (isReduced(spec.clusterIPs, old.clusterIPs))
    errors.push(invalid(POLICY, spec.ipFamilyPolicy, text('cluster IP')));
  if (isReduced(spec.ipFamilies, old.ipFamilies))
    errors.push(invalid(POLICY, spec.ipFamilyPolicy, text('IP family')));
}

function addPolicyErrors(
  errors: FieldError[],
  { ipFamilyPolicy, clusterIPs, ipFamilies }: ServiceSpec,
): void {
  if (ipFamilyPolicy !== 'SingleStack') return;
  const text = (what: string): string =>
    `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
  if (clusterIPs?.length === 2) errors.push(invalid(POLICY, ipFamilyPolicy, text('cluster IPs')));
  if (ipFamilies?.length === 2) errors.push(invalid(POLICY, ipFamilyPolicy, text('IP families')));
}

/** Addresses that were asked for say their families. */
function inferFamilies(errors: FieldError[], spec: ServiceSpec, configured: readonly IPFamily[]): void {
  const { clusterIPs = [] } = spec;
  if (clusterIPs[0] === 'None') return;
  clusterIPs.forEach((ip, index) => {
    const family = familyOf(ip);
    if (index < (spec.ipFamilies?.length ?? 0) || family === undefined) return;
    if (configured.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else errors.push(invalid(IPS.index(index), clusterIPs, `${family} is not configured on this cluster`));
  });
}

function fillFamilies(spec: ServiceSpec, fallback: IPFamily, isDual: boolean): void {
  const { ipFamilies = [] } = spec;
  const [first = fallback] = ipFamilies as IPFamily[];
  spec.ipFamilies = ipFamilies.length < 2 && isDual ? [first, otherFamily(first)] : ipFamilies;
  if (spec.ipFamilies.length === 0) spec.ipFamilies = [first];
}
