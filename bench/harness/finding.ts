/** What a row of the table says: a figure, the mark it has to reach, and what it was made from. */
export interface Finding {
  readonly row: string;
  readonly what: string;
  readonly value: number;
  readonly unit: 'ratio' | 'times' | 'us' | 'ms' | 'MB' | 'KB' | '%';
  readonly target: number;
  readonly better: 'higher' | 'lower';
  /** Figures behind `value`, by name. */
  readonly details: Readonly<Record<string, number | string>>;
}

export interface Row {
  /** What `--only` calls it. */
  readonly name: string;
  /** Takes long: runs only when it is named. */
  readonly isOnRequest?: boolean;
  run(): Promise<readonly Finding[]>;
}

export function isReached({ value, target, better }: Finding): boolean {
  return better === 'higher' ? value >= target : value <= target;
}

/** Three significant digits: more would pretend to be exact. */
export function round(value: number): number {
  return Number(value.toPrecision(3));
}
