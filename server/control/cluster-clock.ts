/** What users do with the cluster's time: read it, and move it when it is virtual. */
import type { Clock, DueTimer, Timer, VirtualClock, WatchableClock } from '../../api/machinery/clock.ts';

export interface ClockState {
  readonly type: 'real' | 'virtual';
  readonly state: 'running' | 'paused';
  /** Seconds of the cluster that pass in one second of the machine; 0 when paused. */
  readonly rate: number;
  readonly nowMs: number;
  readonly nextTimer?: DueTimer;
}

/** Longest stretch by which time is moved at once while it runs, in milliseconds of the machine. */
const TICK_MS_MAX = 1000;

/** Time cannot be moved: the cluster runs on the machine's. */
export class ClockError extends Error {
  override readonly name = 'ClockError';
}

/**
 * Moves happen one after the other, and behind every timer all that it caused is finished before time goes on. All
 * moves but `state` and `now` reject with a ClockError when the clock is real.
 */
export class ClusterClock {
  readonly #clock: WatchableClock;
  readonly #virtual: VirtualClock | undefined;
  readonly #wall: Clock;
  readonly #settle: () => Promise<void>;
  readonly #reaching: (ms: number) => void;
  #rate = 0;
  #tick: Timer | undefined;
  #flowing: (() => number) | undefined;
  /** While time flows: how far it was said to get. */
  #aheadMs = 0;
  #moves: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly clock: WatchableClock;
    /** The same clock, when it is virtual. */
    readonly virtual?: VirtualClock;
    readonly wall: Clock;
    /** Waits until what a timer caused is done. */
    readonly settle: () => Promise<void>;
    /** Told where time is about to get, epoch milliseconds, before it does. */
    readonly reaching?: (ms: number) => void;
  }) {
    this.#clock = options.clock;
    this.#virtual = options.virtual;
    this.#wall = options.wall;
    this.#settle = options.settle;
    this.#reaching = options.reaching ?? (() => {});
  }

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return this.#clock.now();
  }

  get state(): ClockState {
    const next = this.#clock.nextTimer();
    const rate = this.#virtual === undefined ? 1 : this.#rate;
    return {
      type: this.#virtual === undefined ? 'real' : 'virtual',
      state: rate === 0 ? 'paused' : 'running',
      rate,
      nowMs: this.#clock.now(),
      ...(next === undefined ? {} : { nextTimer: { dueMs: next.dueMs, name: next.name } }),
    };
  }

  /** True when time passes only by being moved. */
  get standsStill(): boolean {
    return this.#virtual !== undefined && this.#rate === 0;
  }

  /** Lets time stand still; resolves when a move under way is over. */
  async pause(): Promise<void> {
    const virtual = this.#needVirtual();
    this.#stopFlow(virtual);
    await this.#moves;
  }

  /** Moves time on by `ms`, running every timer on the way at its instant. Pauses a running clock first. */
  async step(ms: number): Promise<void> {
    const virtual = this.#needVirtual();
    await this.pause();
    await this.#move(() => this.#reach(virtual, virtual.now() + ms));
  }

  /** Moves to the next timer, however far away, and runs it. Pauses a running clock first. */
  async advance(): Promise<void> {
    const virtual = this.#needVirtual();
    await this.pause();
    await this.#move(async () => {
      const due = virtual.nextDue();
      if (due !== undefined) await this.#reach(virtual, due);
    });
  }

  /** Moves to an instant, epoch milliseconds, unless time runs by itself. */
  async advanceTo(targetMs: number): Promise<void> {
    const virtual = this.#needVirtual();
    await this.#move(async () => {
      if (this.standsStill) await this.#reach(virtual, targetMs);
    });
  }

  /** Lets time pass `rate` times as fast as the machine's. */
  async run(rate = 1): Promise<void> {
    if (!(rate > 0 && Number.isFinite(rate))) throw new RangeError('rate must be a positive number');
    const virtual = this.#needVirtual();
    await this.pause();
    const origin = { virtualMs: virtual.now(), wallMs: this.#wall.now() };
    const flow = (): number => origin.virtualMs + (this.#wall.now() - origin.wallMs) * rate;
    this.#rate = rate;
    this.#flowing = flow;
    virtual.flow(flow);
    virtual.onEarlier = () => this.#schedule(virtual, flow);
    this.#schedule(virtual, flow);
  }

  /** Ends a running clock's work; time can no longer be moved by itself. */
  stop(): void {
    if (this.#virtual !== undefined) this.#stopFlow(this.#virtual);
  }

  #schedule(virtual: VirtualClock, flow: () => number): void {
    if (this.#flowing !== flow) return;
    this.#tick?.cancel();
    const due = virtual.nextDue();
    const waitMs = due === undefined ? TICK_MS_MAX : (due - flow()) / this.#rate;
    this.#reachAhead(flow());
    const tick = (): void => {
      this.#tick = undefined;
      void this.#move(async () => {
        if (this.#flowing === flow) await virtual.advanceTo(flow(), this.#settle);
      }).then(() => this.#schedule(virtual, flow));
    };
    this.#tick = this.#wall.schedule(Math.min(Math.max(waitMs, 0), TICK_MS_MAX), tick);
  }

  /** Time that flows is ahead of what was told of it only for a tick that comes late. */
  #reachAhead(nowMs: number): void {
    const stretchMs = TICK_MS_MAX * this.#rate;
    if (nowMs + stretchMs < this.#aheadMs) return;
    this.#aheadMs = nowMs + 3 * stretchMs;
    this.#reaching(this.#aheadMs);
  }

  #reach(virtual: VirtualClock, targetMs: number): Promise<void> {
    if (targetMs > virtual.now()) this.#reaching(targetMs);
    return virtual.advanceTo(targetMs, this.#settle);
  }

  #stopFlow(virtual: VirtualClock): void {
    const wasFlowing = this.#flowing !== undefined;
    this.#rate = 0;
    this.#flowing = undefined;
    this.#tick?.cancel();
    this.#tick = undefined;
    virtual.onEarlier = undefined;
    virtual.flow(undefined);
    if (wasFlowing) this.#reaching(virtual.now());
    this.#aheadMs = 0;
  }

  #move(move: () => Promise<void>): Promise<void> {
    const done = this.#moves.then(move);
    this.#moves = done.catch(() => {});
    return done;
  }

  #needVirtual(): VirtualClock {
    if (this.#virtual === undefined)
      throw new ClockError('the clock is real; start the cluster with a virtual one to move it');
    return this.#virtual;
  }
}
