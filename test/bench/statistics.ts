// The statistics of the benchmark: medians, and medians of ratios between runs that were made one after the other. No means:
// what disturbs a machine makes runs slower and never faster.

export type Summary = {
  readonly median: number;
  /** Ends of a 95 % confidence interval for the median, by ranks: no assumption about the distribution. */
  readonly low: number;
  readonly high: number;
  readonly n: number;
};

const ascending = (values: readonly number[]): number[] =>
  values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);

/** `share` from 0 to 1; between two values it is interpolated. NaN for no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = ascending(values);
  if (sorted.length === 0) return Number.NaN;
  const rank = share * (sorted.length - 1);
  const below = sorted[Math.floor(rank)]!;
  const above = sorted[Math.ceil(rank)]!;
  return below + (above - below) * (rank - Math.floor(rank));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

const NORMAL_QUANTILE_975 = 1.96;

/** With fewer than six values the interval is their whole range, and covers less than 95 %. */
export function summarize(values: readonly number[]): Summary {
  const sorted = ascending(values);
  const n = sorted.length;
  if (n === 0) return { median: Number.NaN, low: Number.NaN, high: Number.NaN, n };
  const reach = (NORMAL_QUANTILE_975 * Math.sqrt(n)) / 2;
  const low = Math.max(0, Math.floor(n / 2 - reach));
  const high = Math.min(n - 1, Math.ceil(n / 2 + reach) - 1);
  return { median: median(sorted), low: sorted[low]!, high: sorted[Math.max(low, high)]!, n };
}

export type Comparison = 'ratio' | 'difference';

/**
 * Compares two variants round by round: values at the same index were measured next to each other, so what slows the machine for a
 * minute cancels out. A round in which one of them is missing (NaN) does not count.
 */
export function compareRounds(own: readonly number[], base: readonly number[], how: Comparison): Summary {
  const rounds = Math.min(own.length, base.length);
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const [value, other] = [own[round]!, base[round]!];
    values.push(how === 'ratio' ? value / other : value - other);
  }
  return summarize(values);
}

/** The slope between two measurements: what each further unit costs. NaN when they are of the same size. */
export const costPerUnit = (few: number, fewUnits: number, many: number, manyUnits: number): number =>
  manyUnits === fewUnits ? Number.NaN : (many - few) / (manyUnits - fewUnits);

/** A copy in random order. `random` is from 0 to 1. */
export function shuffled<T>(items: readonly T[], random: () => number = Math.random): T[] {
  const copy = [...items];
  for (let at = copy.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [copy[at], copy[other]] = [copy[other]!, copy[at]!];
  }
  return copy;
}
