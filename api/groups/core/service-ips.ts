/** Cluster IPs and families of services. Mirrors ValidateServiceClusterIPsRelatedFields of pkg/apis/core/validation. */
import { path } from '../../machinery/field-path.ts';
import { duplicate, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import type { ServiceSpec } from '../../../openapi/generated/core-v1.ts';
import { addSupported, type Findings } from '../common/findings.ts';
import { addIP, isDualStack, isIPv6, parseIP } from '../common/ip.ts';

const FAMILIES = ['IPv4', 'IPv6'];
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const IPS = path('spec', 'clusterIPs');
const IP_FAMILIES = path('spec', 'ipFamilies');
const POLICY = path('spec', 'ipFamilyPolicy');

/** Without an address of its own. */
export function isHeadless({ clusterIPs = [] }: ServiceSpec): boolean {
  return clusterIPs.length === 1 && clusterIPs[0] === 'None';
}

export function addClusterIPs(errors: Findings, spec: ServiceSpec, known: readonly string[]): void {
  if (spec.type === 'ExternalName') return;
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = spec;
  if (clusterIP !== '' && clusterIPs.length === 0) errors.push(required(IPS));
  else if (clusterIP !== '' && clusterIPs[0] !== clusterIP)
    errors.push(invalid(IPS, clusterIPs, 'first value must match `clusterIP`'));
  else if (clusterIP === '' && clusterIPs.length > 0)
    errors.push(invalid(IPS, clusterIPs, 'must be empty when `clusterIP` is not specified'));
  const seen = new Set<string>();
  ipFamilies.forEach((family, index) => {
    const place = IP_FAMILIES.index(index);
    if (!FAMILIES.includes(family)) errors.push(notSupported(place, family, FAMILIES));
    if (seen.has(family)) errors.push(duplicate(place, family));
    seen.add(family);
  });
  addSupported(errors, POLICY, spec.ipFamilyPolicy, FAMILY_POLICIES);
  if (!addAddresses(errors, clusterIPs, known)) return;
  if (clusterIPs.length > 1 && !isDualStack(clusterIPs))
    errors.push(invalid(IPS, clusterIPs, 'may specify no more than one IP for each IP family'));
  if (isHeadless(spec)) return;
  clusterIPs.slice(0, ipFamilies.length).forEach((ip, index) => {
    const isSix = isIPv6(parseIP(ip)!);
    const wanted = ipFamilies[index];
    if ((wanted === 'IPv4' && isSix) || (wanted === 'IPv6' && !isSix)) {
      const text = `expected an ${wanted} value as indicated by \`ipFamilies[${index}]\``;
      errors.push(invalid(IPS.index(index), ip, text));
    }
  });
}

/** False when one of them is no address, so that no more can be said. */
function addAddresses(errors: Findings, clusterIPs: readonly string[], known: readonly string[]): boolean {
  let areValid = true;
  clusterIPs.forEach((ip, index) => {
    if (index > 0 || ip !== 'None') areValid = addIP(errors, IPS.index(index), ip, known) && areValid;
    else if (clusterIPs.length > 1) {
      areValid = false;
      errors.push(invalid(IPS, clusterIPs, "'None' must be the first and only value"));
    }
  });
  if (clusterIPs.length > 2) errors.push(invalid(IPS, clusterIPs, 'may only hold up to 2 values'));
  return areValid;
}

const ONCE = 'may not change once set';

/** The first address stays; a second one may come and, with the policy, go. */
export function addClusterIPChanges(errors: Findings, spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return;
  if (!isHeadless(old) || !isHeadless(spec)) addIPChanges(errors, spec, old);
  if (!isHeadless(old) && !isHeadless(spec)) addFamilyChanges(errors, spec, old);
}

function addIPChanges(errors: Findings, spec: ServiceSpec, old: ServiceSpec): void {
  const now = spec.clusterIPs ?? [];
  const before = old.clusterIPs ?? [];
  const first = IPS.index(0);
  if (now.length === before.length) {
    before.forEach((ip, index) => {
      if (ip !== now[index]) errors.push(invalid(IPS.index(index), now, ONCE));
    });
    return;
  }
  if (now.length === 0) errors.push(invalid(first, spec.clusterIPs, 'primary clusterIP can not be unset'));
  else if (before.length > 0 && now[0] !== before[0]) errors.push(invalid(first, now, ONCE));
  if (now.length < before.length) addReleased(errors, spec, now.length, 'clusterIP');
}

function addFamilyChanges(errors: Findings, spec: ServiceSpec, old: ServiceSpec): void {
  const now = spec.ipFamilies ?? [];
  const before = old.ipFamilies ?? [];
  const first = IP_FAMILIES.index(0);
  if (now.length === before.length) {
    before.forEach((family, index) => {
      if (family !== now[index]) errors.push(invalid(first, now, ONCE));
    });
    return;
  }
  if (now.length < before.length && (spec.clusterIPs ?? []).length === 0)
    errors.push(invalid(first, spec.ipFamilies, 'primary ipFamily can not be unset'));
  if (now.length > 0 && before.length > 0 && now[0] !== before[0])
    errors.push(invalid(first, spec.clusterIPs, ONCE));
  if (now.length < before.length) addReleased(errors, spec, now.length, 'ipFamily');
}

function addReleased(errors: Findings, { ipFamilyPolicy }: ServiceSpec, left: number, what: string): void {
  if (left !== 1 || ipFamilyPolicy === 'SingleStack') return;
  const text = `must be set to 'SingleStack' when releasing the secondary ${what}`;
  errors.push(invalid(POLICY, ipFamilyPolicy, text));
}
