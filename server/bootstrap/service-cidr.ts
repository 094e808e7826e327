/** The ServiceCIDR that the API server makes of its own ranges. Mirrors controlplane/controller/defaultservicecidr. */
import type { Client } from '../../api/machinery/client.ts';
import { formatTime, type Clock } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { serviceCIDRs, type ServiceCIDR } from '../../openapi/generated/networking-v1.ts';

export interface ServiceRange {
  readonly cidr: string;
  readonly family: 'IPv4' | 'IPv6';
  /** The address of the service `kubernetes`. */
  readonly first: string;
}

const NAME = 'kubernetes';

/**
 * Creates it when it is missing, gives it a second family when that was added to the options, and marks it as ready while
 * nobody has said anything of that. Other ranges than those of the options stay as they are.
 */
export async function keepServiceCIDR({
  client,
  clock,
  serviceRanges,
}: {
  readonly client: Client;
  readonly clock: Clock;
  readonly serviceRanges: readonly ServiceRange[];
}): Promise<void> {
  const cidrs = serviceRanges.map(({ cidr }) => cidr);
  let current = await find(client);
  current ??= await client.create(serviceCIDRs, { metadata: { name: NAME }, spec: { cidrs } });
  const known = current.spec?.cidrs ?? [];
  const isUpgrade = cidrs.length === 2 && known.length === 1 && known[0] === cidrs[0];
  try {
    if (isUpgrade) current = await client.update(serviceCIDRs, { ...current, spec: { cidrs } });
    if (equalJSON(current.spec?.cidrs, cidrs)) await markReady(client, clock, current);
  } catch (error) {
    // Its controller was faster; the next round looks again.
    if (!isConflict(error)) throw error;
  }
}

async function find(client: Client): Promise<ServiceCIDR | undefined> {
  try {
    return await client.get(serviceCIDRs, { name: NAME });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

async function markReady(client: Client, clock: Clock, object: ServiceCIDR): Promise<void> {
  const conditions = object.status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (object.metadata.deletionTimestamp !== undefined || (ready !== undefined && ready.status !== 'Unknown'))
    return;
  const condition = {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: formatTime(clock.now()),
    reason: '',
    message: 'Kubernetes default Service CIDR is ready',
  };
  const others = conditions.filter(({ type }) => type !== 'Ready');
  const status = { ...object.status, conditions: [...others, condition] };
  await client.update(serviceCIDRs, { ...object, status }, { subresource: 'status' });
}
