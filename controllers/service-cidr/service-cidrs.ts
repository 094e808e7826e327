/** Which ServiceCIDRs have an address or a network. Mirrors pkg/api/servicecidr. */
import {
  containsAddress,
  containsPrefix,
  overlaps,
  parseAddress,
  parsePrefix,
  type Prefix,
} from '../../api/groups/common/prefix.ts';
import type { ServiceCIDR } from '../../openapi/generated/networking-v1.ts';

export function prefixesOf({ spec }: ServiceCIDR): Prefix[] {
  return (spec?.cidrs ?? []).flatMap((cidr) => parsePrefix(cidr) ?? []);
}

export function havingAddress(all: readonly ServiceCIDR[], ip: string): ServiceCIDR[] {
  const address = parseAddress(ip);
  if (address === undefined) return [];
  return all.filter((each) => prefixesOf(each).some((prefix) => containsAddress(prefix, address)));
}

export function havingPrefix(all: readonly ServiceCIDR[], prefix: Prefix): ServiceCIDR[] {
  return all.filter((each) => prefixesOf(each).some((outer) => containsPrefix(outer, prefix)));
}

export function overlapping(all: readonly ServiceCIDR[], one: ServiceCIDR): ServiceCIDR[] {
  const own = prefixesOf(one);
  return all.filter((each) =>
    prefixesOf(each).some((other) => own.some((prefix) => overlaps(prefix, other))),
  );
}
