import { RealClock, VirtualClock, type Clock, type WatchableClock } from '../../api/machinery/clock.ts';
import type { KeptTime } from '../control/kept-time.ts';
import type { ClusterOptions } from './options.ts';

/** The cluster's time, and that of the machine, in which clients wait and certificates expire. */
export interface Time {
  readonly clock: WatchableClock;
  /** The same as `clock`, when it is virtual. */
  readonly virtual?: VirtualClock;
  readonly wall: Clock;
  /** Told how far a virtual clock is about to be moved, epoch milliseconds. */
  readonly reaching?: (ms: number) => void;
}

export function timeOf({ clock = 'real' }: ClusterOptions, kept: KeptTime | undefined): Time {
  const wall = new RealClock();
  if (clock === 'real') {
    kept?.forget();
    return { clock: new RealClock(), wall };
  }
  const virtual = clock === 'virtual' ? new VirtualClock(kept?.ms ?? wall.now()) : clock;
  kept?.keep(virtual.now());
  return { clock: virtual, virtual, wall, reaching: (ms) => kept?.keep(ms) };
}
