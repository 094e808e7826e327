/** Which ranges addresses of services come from at the moment. Mirrors registry/core/service/ipallocator cidrallocator.go. */
import type { ServiceCIDR } from '../../openapi/generated/networking-v1.ts';
import type { ObjectReader } from '../admission/reader.ts';
import { IPRange } from './ip-range.ts';

/** The ranges there are, those of the oldest ServiceCIDR first; each once. */
export type ServiceRanges = () => readonly IPRange[];

const SERVICE_CIDRS = { group: 'networking.k8s.io', resource: 'servicecidrs' } as const;

/** One or two ranges as --service-cluster-ip-range has them. Throws an Error for others. */
export function parseServiceRanges(text: string): readonly [IPRange, ...IPRange[]] {
  const [primary, secondary, ...more] = text.split(',').map((cidr) => new IPRange(cidr.trim()));
  if (more.length > 0) throw new Error('the service ranges must not be more than two');
  if (secondary === undefined) return [primary!];
  if (primary!.family === secondary.family)
    throw new Error('the two service ranges must be of different IP families');
  return [primary!, secondary];
}

/** Reads the ServiceCIDRs that are ready and not on their way out. */
export function storedServiceRanges(reader: ObjectReader): ServiceRanges {
  const parsed = new Map<string, IPRange | undefined>();
  const rangeOf = (cidr: string): IPRange | undefined => {
    if (!parsed.has(cidr)) parsed.set(cidr, tryRange(cidr));
    return parsed.get(cidr);
  };
  return () => {
    const ready = (reader.list(SERVICE_CIDRS) as unknown as readonly ServiceCIDR[]).filter(isReady);
    const inOrder = [...ready].sort((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1));
    const cidrs = new Set(inOrder.flatMap(({ spec }) => spec?.cidrs ?? []));
    return [...cidrs].flatMap((cidr) => rangeOf(cidr) ?? []);
  };
}

/** A range of one address or of too many is valid as an object and gives nothing. */
function tryRange(cidr: string): IPRange | undefined {
  try {
    return new IPRange(cidr);
  } catch {
    return undefined;
  }
}

function isReady({ metadata, status }: ServiceCIDR): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true
  );
}

function ageOf({ metadata }: ServiceCIDR): string {
  return `${metadata.creationTimestamp}/${metadata.name}`;
}
