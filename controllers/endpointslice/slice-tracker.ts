/**
 * Tells changes that somebody else made to slices from one's own. Events of a write come before the write returns: those of a
 * service that is worked on wait until that is done. Mirrors endpointslice/util EndpointSliceTracker.
 */
import type { EndpointSlice } from '../../openapi/generated/discovery-v1.ts';
import { SERVICE_LABEL } from '../endpoints/service-pods.ts';

export function serviceKeyOf({ metadata }: EndpointSlice): string {
  return `${metadata.namespace}/${metadata.labels?.[SERVICE_LABEL] ?? ''}`;
}

interface Seen {
  readonly slice: EndpointSlice;
  readonly isGone: boolean;
}

export class SliceTracker {
  readonly #onForeign: (serviceKey: string) => void;
  /** Generations by UID, of slices by service. */
  readonly #known = new Map<string, Map<string, number>>();
  readonly #waiting = new Map<string, Seen[]>();

  constructor(onForeign: (serviceKey: string) => void) {
    this.#onForeign = onForeign;
  }

  /** Works on a service; what happens to its slices meanwhile is looked at afterwards. */
  async during(serviceKey: string, work: () => Promise<void>): Promise<void> {
    this.#waiting.set(serviceKey, []);
    try {
      await work();
    } finally {
      const seen = this.#waiting.get(serviceKey) ?? [];
      this.#waiting.delete(serviceKey);
      for (const each of seen) this.#look(serviceKey, each);
    }
  }

  wrote(slice: EndpointSlice): void {
    const key = serviceKeyOf(slice);
    const slices = this.#known.get(key) ?? new Map<string, number>();
    this.#known.set(key, slices.set(slice.metadata.uid!, slice.metadata.generation ?? 0));
  }

  deleted(slice: EndpointSlice): void {
    this.#known.get(serviceKeyOf(slice))?.delete(slice.metadata.uid!);
  }

  forget(serviceKey: string): void {
    this.#known.delete(serviceKey);
  }

  changed(slice: EndpointSlice): void {
    this.#see({ slice, isGone: false });
  }

  removed(slice: EndpointSlice): void {
    this.#see({ slice, isGone: true });
  }

  #see(seen: Seen): void {
    const key = serviceKeyOf(seen.slice);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#look(key, seen);
    else waiting.push(seen);
  }

  #look(key: string, { slice, isGone }: Seen): void {
    const { uid, generation = 0 } = slice.metadata;
    const known = this.#known.get(key)?.get(uid!);
    if (isGone) {
      if (known === undefined) return;
      this.deleted(slice);
    } else if (known !== undefined && known >= generation) return;
    this.#onForeign(key);
  }
}
