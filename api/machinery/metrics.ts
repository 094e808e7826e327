/** Numbers that parts of the server count, in memory and by name; who reads them decides how they are written. */

/** One number: `name` with its suffix, and the labels it stands under. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  samples(): MetricSample[];
}

/** Label values in the order the metric was declared with. */
type Labels = readonly string[];

const SEPARATOR = '\0';

abstract class Family implements MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly #labelNames: readonly string[];
  abstract readonly type: MetricFamily['type'];

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
  }

  abstract samples(): MetricSample[];

  protected labelsOf(key: string): Record<string, string> {
    const values = key.split(SEPARATOR);
    return Object.fromEntries(this.#labelNames.map((name, index) => [name, values[index] ?? '']));
  }
}

/** Goes up and, as a gauge, down. */
class NumberMetric extends Family {
  readonly type: 'counter' | 'gauge';
  readonly #values = new Map<string, number>();

  constructor(type: 'counter' | 'gauge', name: string, help: string, labelNames: readonly string[]) {
    super(name, help, labelNames);
    this.type = type;
  }

  add(labels: Labels, amount = 1): void {
    const key = labels.join(SEPARATOR);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  set(labels: Labels, value: number): void {
    this.#values.set(labels.join(SEPARATOR), value);
  }

  samples(): MetricSample[] {
    return [...this.#values].map(([key, value]) => ({ name: this.name, labels: this.labelsOf(key), value }));
  }
}

interface Distribution {
  /** By bucket, the last for what is above all bounds. */
  readonly counts: number[];
  sum: number;
}

/** How many observations lie below each of some bounds. */
class HistogramMetric extends Family {
  readonly type = 'histogram';
  readonly #bounds: readonly number[];
  readonly #distributions = new Map<string, Distribution>();

  constructor(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]) {
    super(name, help, labelNames);
    this.#bounds = bounds;
  }

  observe(labels: Labels, value: number): void {
    const key = labels.join(SEPARATOR);
    let distribution = this.#distributions.get(key);
    if (distribution === undefined) {
      distribution = { counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 };
      this.#distributions.set(key, distribution);
    }
    const above = this.#bounds.findIndex((bound) => value <= bound);
    distribution.counts[above < 0 ? this.#bounds.length : above]!++;
    distribution.sum += value;
  }

  samples(): MetricSample[] {
    return [...this.#distributions].flatMap(([key, { counts, sum }]) => {
      const labels = this.labelsOf(key);
      let total = 0;
      const buckets = counts.map((count, index) => {
        total += count;
        const le = this.#bounds[index] ?? '+Inf';
        return { name: `${this.name}_bucket`, labels: { ...labels, le }, value: total };
      });
      return [
        ...buckets,
        { name: `${this.name}_sum`, labels, value: sum },
        { name: `${this.name}_count`, labels, value: total },
      ];
    });
  }
}

/** The metrics of one cluster. Declaring a name again gives the metric that is there. */
export class Metrics {
  readonly #families = new Map<string, MetricFamily>();
  readonly #collectors: (() => void)[] = [];

  counter(name: string, help: string, labelNames: readonly string[]): NumberMetric {
    return this.#declare(name, () => new NumberMetric('counter', name, help, labelNames));
  }

  gauge(name: string, help: string, labelNames: readonly string[]): NumberMetric {
    return this.#declare(name, () => new NumberMetric('gauge', name, help, labelNames));
  }

  histogram(
    name: string,
    help: string,
    labelNames: readonly string[],
    bounds: readonly number[],
  ): HistogramMetric {
    return this.#declare(name, () => new HistogramMetric(name, help, labelNames, bounds));
  }

  /** Called before metrics are read: for numbers that are looked up rather than counted. */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** In the order of their names. */
  collect(): readonly MetricFamily[] {
    for (const collect of this.#collectors) collect();
    return [...this.#families.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #declare<T extends MetricFamily>(name: string, make: () => T): T {
    let family = this.#families.get(name);
    if (family === undefined) this.#families.set(name, (family = make()));
    return family as T;
  }
}
