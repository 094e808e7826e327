/** What an autoscaler recommended and did lately: it lives as long as the process. */

interface Recommendation {
  readonly replicas: number;
  readonly atMs: number;
}

interface Step {
  /** How many replicas more or less, not negative. */
  readonly change: number;
  readonly atMs: number;
}

export class History {
  #recommendations: Recommendation[] = [];
  #up: Step[] = [];
  #down: Step[] = [];

  /** The first look recommends what is there. */
  begin(replicas: number, nowMs: number): void {
    if (this.#recommendations.length === 0) this.#recommendations.push({ replicas, atMs: nowMs });
  }

  /** Recommendations younger than a window; `inclusive` counts those of exactly its age. */
  recommendations(windowMs: number, nowMs: number, inclusive: boolean): number[] {
    const cutoff = nowMs - windowMs;
    return this.#recommendations
      .filter(({ atMs }) => (inclusive ? atMs >= cutoff : atMs > cutoff))
      .map(({ replicas }) => replicas);
  }

  /** Remembers a recommendation and forgets those older than `windowMs`. */
  recommend(replicas: number, windowMs: number, nowMs: number): void {
    this.#recommendations = this.#recommendations.filter(({ atMs }) => atMs >= nowMs - windowMs);
    this.#recommendations.push({ replicas, atMs: nowMs });
  }

  /** Remembers a change of size and forgets those of its direction older than `periodMs`. */
  scaled(from: number, to: number, periodMs: number, nowMs: number): void {
    const recent = (steps: readonly Step[]): Step[] => steps.filter(({ atMs }) => atMs >= nowMs - periodMs);
    const step = { change: Math.abs(to - from), atMs: nowMs };
    if (to > from) this.#up = [...recent(this.#up), step];
    else this.#down = [...recent(this.#down), step];
  }

  /** Replicas at the beginning of a period that ends now with `current`. */
  replicasBefore(periodMs: number, current: number, nowMs: number): number {
    const sum = (steps: readonly Step[]): number =>
      steps.filter(({ atMs }) => atMs > nowMs - periodMs).reduce((total, { change }) => total + change, 0);
    return current - sum(this.#up) + sum(this.#down);
  }
}
