/**
 * The lease that says which API server is there, and those of others that are there no more. Mirrors
 * controlplane/apiserver/server.go, component-helpers lease and controlplane/controller/apiserverleasegc.
 */
import { createHash } from 'node:crypto';
import type { Client } from '../../api/machinery/client.ts';
import { formatMicroTime, parseTime, type Clock, type Timer } from '../../api/machinery/clock.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import { randomUUID, type Random } from '../../api/machinery/random.ts';
import type { TaskTracker } from '../../api/machinery/tasks.ts';
import { leases, type Lease } from '../../openapi/generated/coordination-v1.ts';

const SERVER_NAME = 'kubemu';
const NAMESPACE = 'kube-system';
const IDENTITY_LABEL = 'apiserver.kubernetes.io/identity';
const KIND = 'kube-apiserver';
const DURATION_SECONDS = 3600;
const RENEW_MS = 10_000;
const COLLECT_MS = 3_600_000;

export interface IdentityOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
}

/** Takes the lease anew: what an earlier process left says nothing. */
export async function takeIdentity({ client, clock, random }: IdentityOptions): Promise<void> {
  const name = leaseName();
  await ignoreMissing(client.delete(leases, { namespace: NAMESPACE, name }));
  await client.create(leases, newLease(name, `${name}_${randomUUID(random)}`, clock.now()));
}

/** Renews the lease every ten seconds and collects those that are over every hour. Returns how to stop. */
export function keepIdentity(
  options: IdentityOptions & { readonly tasks: TaskTracker; readonly logger: Logger },
): () => void {
  const { clock, tasks, logger } = options;
  const timers = new Map<string, Timer>();
  const keep = (name: string, periodMs: number, work: () => Promise<void>): void => {
    const round = (): void => {
      tasks.run(name, work, (error) => logger.warn('upkeep of identity leases failed', { error }));
      next();
    };
    const next = (): void =>
      void timers.set(name, clock.schedule(periodMs, round, { name, recurring: true }));
    next();
  };
  keep('identity lease', RENEW_MS, () => renew(options));
  keep('identity leases', COLLECT_MS, () => collect(options));
  return () => {
    for (const timer of timers.values()) timer.cancel();
  };
}

async function renew(options: IdentityOptions): Promise<void> {
  const { client, clock } = options;
  try {
    const lease = await client.get(leases, { namespace: NAMESPACE, name: leaseName() });
    const { labels, ...metadata } = lease.metadata;
    const wanted = newLease(lease.metadata.name!, '', clock.now());
    await client.update(leases, {
      ...lease,
      metadata: { ...metadata, labels: { ...labels, ...wanted.metadata.labels } },
      spec: { ...wanted.spec, ...lease.spec, renewTime: wanted.spec.renewTime },
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await takeIdentity(options);
  }
}

async function collect({ client, clock }: IdentityOptions): Promise<void> {
  const labelSelector = `${IDENTITY_LABEL}=${KIND}`;
  const { items } = await client.list(leases, { namespace: NAMESPACE, labelSelector });
  for (const { metadata, spec } of items) {
    if (!isOver(spec, clock.now())) continue;
    const preconditions = { resourceVersion: metadata.resourceVersion };
    await ignoreMissing(
      client.delete(leases, { namespace: NAMESPACE, name: metadata.name! }, { preconditions }),
    );
  }
}

function isOver({ renewTime, leaseDurationSeconds }: Lease['spec'], nowMs: number): boolean {
  if (renewTime === undefined || leaseDurationSeconds === undefined) return true;
  return parseTime(renewTime) + leaseDurationSeconds * 1000 < nowMs;
}

function newLease(name: string, holderIdentity: string, nowMs: number) {
  const labels = { [IDENTITY_LABEL]: KIND, 'kubernetes.io/hostname': SERVER_NAME };
  return {
    metadata: { name, namespace: NAMESPACE, labels },
    spec: {
      holderIdentity,
      leaseDurationSeconds: DURATION_SECONDS,
      renewTime: formatMicroTime(nowMs),
    },
  };
}

function leaseName(): string {
  return `apiserver-${identityHash(SERVER_NAME)}`;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** The first 16 bytes of the SHA-256 of a name in base32, without padding. */
function identityHash(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 16);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => BASE32[parseInt(group.padEnd(5, '0'), 2)]).join('');
}

async function ignoreMissing(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
