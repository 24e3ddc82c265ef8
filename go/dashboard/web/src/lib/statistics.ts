import { quantile } from "./quantile";

/** Makes one number of samples; there is one at least. */
export type Estimate = (samples: readonly number[]) => number;

export const ESTIMATORS = ["iqm", "mean", "median"] as const;
export type EstimatorName = (typeof ESTIMATORS)[number];

/** What an estimator is called on a figure. */
export const ESTIMATOR_TITLES: Record<EstimatorName, string> = {
  iqm: "interquartile mean",
  mean: "mean",
  median: "median",
};

/** The estimators by name; the server has the same ones. */
export const ESTIMATES: Record<EstimatorName, Estimate> = { iqm, mean, median };

function mean(samples: readonly number[]): number {
  return samples.reduce((sum, v) => sum + v, 0) / samples.length;
}

function median(samples: readonly number[]): number {
  return quantile(ascending(samples), 0.5);
}

/** The mean of the middle half; a sample that a cut goes through counts in part. */
function iqm(samples: readonly number[]): number {
  const sorted = ascending(samples);
  const [low, high] = [sorted.length / 4, sorted.length - sorted.length / 4];
  let sum = 0;
  for (let i = Math.floor(low); i < high; i++) {
    sum += (Math.min(i + 1, high) - Math.max(i, low)) * (sorted[i] ?? 0);
  }
  return sum / (high - low);
}

function ascending(samples: readonly number[]): number[] {
  return [...samples].sort((a, b) => a - b);
}

/** An estimate with the interval that resampling puts it in; NaN ends for less than two samples. */
export interface Estimated {
  value: number;
  low: number;
  high: number;
}

/** How intervals are made, to be said beside them. */
export const BOOTSTRAP = { resamples: 2000, confidence: 0.95, seed: 1 } as const;

/** Whole numbers below n at random, the same ones for the same seed. */
export function randomIndexes(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

/**
 * The percentile interval of what `estimate` makes of samples that are drawn again, with
 * replacement, as many as there are. Several groups are drawn by themselves.
 */
export function bootstrap(
  groups: readonly (readonly number[])[],
  estimate: (groups: number[][]) => number,
): { low: number; high: number } {
  if (groups.some((samples) => samples.length < 2)) return { low: Number.NaN, high: Number.NaN };
  const next = randomIndexes(BOOTSTRAP.seed);
  const estimates = Array.from({ length: BOOTSTRAP.resamples }, () =>
    estimate(groups.map((samples) => samples.map(() => samples[next(samples.length)] ?? 0))),
  ).sort((a, b) => a - b);
  const tail = (1 - BOOTSTRAP.confidence) / 2;
  return { low: quantile(estimates, tail), high: quantile(estimates, 1 - tail) };
}

/** An estimate of samples with its interval; NaN of none. */
export function estimateWithInterval(samples: readonly number[], estimate: Estimate): Estimated {
  if (samples.length === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const interval = bootstrap([samples], ([drawn]) => estimate(drawn ?? []));
  return { value: estimate(samples), ...interval };
}

/** The part of the axis, from its end, that final performance is the mean over. */
export const FINAL_PART = 0.1;

/** What each curve comes to at the end of its own points: those without any are left out. */
export function finalScores(
  grid: ArrayLike<number>,
  curves: readonly ArrayLike<number>[],
): number[] {
  const scores = curves.map((curve) => finalScore(grid, curve));
  return scores.filter((v) => !Number.isNaN(v));
}

function finalScore(grid: ArrayLike<number>, curve: ArrayLike<number>): number {
  const places = Array.from(curve, (v, i) => (Number.isNaN(v) ? -1 : i)).filter((i) => i >= 0);
  const [first, last] = [places[0], places.at(-1)];
  if (first === undefined || last === undefined) return Number.NaN;
  const [start, end] = [grid[first] ?? 0, grid[last] ?? 0];
  const from = end - FINAL_PART * (end - start);
  const kept = places.filter((i) => (grid[i] ?? 0) >= from).map((i) => curve[i] ?? 0);
  return mean(kept);
}

/** The part of the scores that are above each threshold. */
export function performanceProfile(
  scores: readonly number[],
  thresholds: readonly number[],
): number[] {
  return thresholds.map((t) => scores.filter((v) => v > t).length / Math.max(scores.length, 1));
}

/** Evenly spaced thresholds from the least to the greatest score of all groups. */
export function thresholdsOf(groups: readonly (readonly number[])[], count: number): number[] {
  const all = groups.flat();
  if (all.length === 0) return [];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return Array.from({ length: count }, (_, i) => low + ((high - low) * i) / Math.max(count - 1, 1));
}

/** How likely a score of one group is above one of another; equal ones count half. */
export function probabilityOfImprovement(
  ours: readonly number[],
  theirs: readonly number[],
): number {
  let wins = 0;
  for (const a of ours) for (const b of theirs) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return wins / (ours.length * theirs.length);
}

/** The first x at which a curve reaches a value, linear between its points; NaN when never. */
export function firstReached(
  grid: ArrayLike<number>,
  curve: ArrayLike<number>,
  value: number,
): number {
  let before: { x: number; y: number } | null = null;
  for (let i = 0; i < grid.length; i++) {
    const [x, y] = [grid[i] ?? Number.NaN, curve[i] ?? Number.NaN];
    if (Number.isNaN(y)) continue;
    if (y >= value) {
      if (before === null) return x;
      return before.x + ((value - before.y) / (y - before.y)) * (x - before.x);
    }
    before = { x, y };
  }
  return Number.NaN;
}

/** Four fifths of the way from the least to the greatest value that any curve has. */
export function usualThreshold(curves: readonly ArrayLike<number>[]): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const curve of curves) {
    for (const v of Array.from(curve)) {
      if (!Number.isFinite(v)) continue;
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  }
  return high >= low ? Number((low + 0.8 * (high - low)).toPrecision(3)) : Number.NaN;
}
