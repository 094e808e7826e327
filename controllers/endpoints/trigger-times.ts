/** When the change happened that a write of endpoints answers to. Mirrors endpointslice/util TriggerTimeTracker. */
import { keyOf } from '../../api/machinery/object-meta.ts';
import type { Pod, Service } from '../../openapi/generated/core-v1.ts';

interface Seen {
  readonly service: string;
  readonly pods: ReadonlyMap<string, string>;
}

export class TriggerTimes {
  readonly #seen = new Map<string, Seen>();

  /** The earliest of what changed since the last call for this service; undefined when nothing did. Of a new one its creation. */
  next(service: Service, pods: readonly Pod[]): string | undefined {
    const key = keyOf(service);
    const before = this.#seen.get(key);
    const created = service.metadata.creationTimestamp ?? '';
    const times = new Map(pods.flatMap((pod) => timeOf(pod)));
    this.#seen.set(key, { service: created, pods: times });
    if (before === undefined) return created;
    const changed = [...times]
      .filter(([name, time]) => time > (before.pods.get(name) ?? ''))
      .map(([, time]) => time);
    if (created > before.service) changed.push(created);
    return changed.reduce<string | undefined>(
      (first, time) => (first === undefined || time < first ? time : first),
      undefined,
    );
  }

  forget(key: string): void {
    this.#seen.delete(key);
  }
}

function timeOf({ metadata, status }: Pod): [string, string][] {
  const time = status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  return time === undefined || time === null ? [] : [[metadata.name!, time]];
}
