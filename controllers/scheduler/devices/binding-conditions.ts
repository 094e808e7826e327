/** Devices that are made ready while the pod waits to be bound. Mirrors dynamicresources.go isClaimReadyForBinding. */
import { parseTime, type Clock } from '../../../api/machinery/clock.ts';
import { keyOf } from '../../../api/machinery/object-meta.ts';
import type {
  AllocatedDeviceStatus,
  DeviceRequestAllocationResult,
  ResourceClaim,
} from '../../../openapi/generated/resource-v1.ts';
import type { Informer } from '../../runtime/controller.ts';

/** Default of the plugin's argument bindingTimeout. */
const BINDING_TIMEOUT_MS = 600_000;

/** Whether every device of the claim is ready, or upstream's words for why one never will be. */
function bindingStateOf(claim: ResourceClaim): boolean | string {
  let isReady = claim.status?.allocation !== undefined;
  for (const result of waitingResults(claim)) {
    const device = statusOf(claim, result);
    const failed = (result.bindingFailureConditions ?? [])
      .map((type) => conditionOf(device, type))
      .find((condition) => condition?.status === 'True');
    if (failed !== undefined) {
      const { reason, message } = failed;
      return `device binding failed: claim=${claim.metadata.name}, reason=${reason}, message=${JSON.stringify(message)}`;
    }
    const met = result.bindingConditions!.every((type) => conditionOf(device, type)?.status === 'True');
    if (!met) isReady = false;
  }
  return isReady;
}

/** Whether the pod has to wait for devices of the claim at all. */
export function hasBindingConditions(claim: ResourceClaim): boolean {
  return waitingResults(claim).length > 0;
}

/** When waiting for the claim's devices ends, epoch milliseconds. */
function deadlineOf({ status }: ResourceClaim): number {
  return parseTime(status?.allocation?.allocationTimestamp ?? '') + BINDING_TIMEOUT_MS;
}

/** Whether an allocated claim is of no use because its devices never became ready. */
export function isUnusable(claim: ResourceClaim, nowMs: number): boolean {
  if (!hasBindingConditions(claim)) return false;
  const state = bindingStateOf(claim);
  return typeof state === 'string' || (!state && deadlineOf(claim) < nowMs);
}

function waitingResults({ status }: ResourceClaim): DeviceRequestAllocationResult[] {
  return (status?.allocation?.devices?.results ?? []).filter(
    ({ bindingConditions = [] }) => bindingConditions.length > 0,
  );
}

function statusOf(
  { status }: ResourceClaim,
  { driver, pool, device }: DeviceRequestAllocationResult,
): AllocatedDeviceStatus | undefined {
  return status?.devices?.find(
    (each) => each.driver === driver && each.pool === pool && each.device === device,
  );
}

function conditionOf(
  device: AllocatedDeviceStatus | undefined,
  type: string,
): NonNullable<AllocatedDeviceStatus['conditions']>[number] | undefined {
  return device?.conditions?.find((condition) => condition.type === type);
}

interface Waiting {
  readonly claims: ReadonlySet<string>;
  look(): void;
  cancel(): void;
}

/** Pods that wait for their devices. A waiting pod keeps nobody busy. */
export class BindingWaits {
  readonly #claims: Informer<ResourceClaim>;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();

  constructor(claims: Informer<ResourceClaim>, clock: Clock) {
    this.#claims = claims;
    this.#clock = clock;
    const look = (claim: ResourceClaim): void => {
      const key = keyOf(claim);
      for (const waiting of this.#waiting) if (waiting.claims.has(key)) waiting.look();
    };
    claims.addHandler({ added: look, updated: look, deleted: look });
  }

  /** Calls `done` once all are ready, with an error when one fails or takes too long. */
  begin(claims: readonly ResourceClaim[], done: (error?: Error) => void): void {
    const keys = claims.map(keyOf);
    const waited = claims.filter(hasBindingConditions);
    const giveUp = (): void => end(new Error(`device binding timeout: claim=${waited[0]!.metadata.name}`));
    const leftMs = Math.min(...waited.map(deadlineOf)) - this.#clock.now();
    const name = `scheduler device binding (${keys.join(', ')})`;
    const timer = this.#clock.schedule(Math.max(0, leftMs), giveUp, { name });
    const end = (error?: Error): void => {
      this.#waiting.delete(waiting);
      timer.cancel();
      done(error);
    };
    const waiting: Waiting = {
      claims: new Set(keys),
      cancel: () => timer.cancel(),
      look: () => {
        const states = keys.map((key) => {
          const claim = this.#claims.get(key);
          return claim === undefined
            ? `resourceclaim.resource.k8s.io "${key}" not found`
            : bindingStateOf(claim);
        });
        const problem = states.find((state) => typeof state === 'string');
        if (problem !== undefined) end(new Error(problem));
        else if (states.every((state) => state === true)) end();
      },
    };
    this.#waiting.add(waiting);
    // What the cache has not seen yet comes as an event.
    if (claims.every((claim) => bindingStateOf(claim) === true)) end();
  }

  /** Lets go of all pods that wait. */
  stop(): void {
    for (const waiting of this.#waiting) waiting.cancel();
    this.#waiting.clear();
  }
}
