/** Addresses for load balancers: who holds which, and which are free. */
import {
  containsAddress,
  familyOf,
  formatAddress,
  parseAddress,
  parsePrefix,
  type IPFamily,
} from '../../api/groups/common/prefix.ts';
import type { Service } from '../../openapi/generated/core-v1.ts';

/** Addresses given out, of each family: from networks for documentation, which belong to nobody. */
export const NETWORKS = { IPv4: '203.0.113.0/24', IPv6: '2001:db8:113::/120' } as const;
const LAST_HOST = 254;

export class AddressPool {
  /** Key of the service that has an address. */
  readonly #holders = new Map<string, string>();

  hold(ip: string, key: string): void {
    this.#holders.set(ip, key);
  }

  isHolder(key: string): boolean {
    return [...this.#holders.values()].includes(key);
  }

  /** Gives back all that a service holds. */
  release(key: string): void {
    for (const [ip, holder] of this.#holders) if (holder === key) this.#holders.delete(ip);
  }

  /** An address of each family of the service, those it has before others; undefined when one family has none left. */
  choose(key: string, { spec }: Service, held: readonly string[]): string[] | undefined {
    const families = (spec.ipFamilies ?? ['IPv4']) as IPFamily[];
    const ips = families.map(
      (family) =>
        held.find((ip) => familyOf(ip) === family) ?? this.#chooseOne(key, family, spec.loadBalancerIP),
    );
    return ips.every((ip) => ip !== undefined) ? ips : undefined;
  }

  /** The one asked for if it is free and ours to give, or the first that is free. */
  #chooseOne(key: string, family: IPFamily, wanted: string | undefined): string | undefined {
    const isFree = (ip: string): boolean => (this.#holders.get(ip) ?? key) === key;
    if (wanted !== undefined && familyOf(wanted) === family && isOurs(wanted) && isFree(wanted))
      return wanted;
    const { first } = parsePrefix(NETWORKS[family])!;
    for (let host = 1; host <= LAST_HOST; host++) {
      const ip = formatAddress({ family, value: first + BigInt(host) });
      if (isFree(ip)) return ip;
    }
    return undefined;
  }
}

/** Whether it is of the networks that addresses are given out of. */
export function isOurs(ip: string): boolean {
  const address = parseAddress(ip);
  return address !== undefined && containsAddress(parsePrefix(NETWORKS[address.family])!, address);
}
