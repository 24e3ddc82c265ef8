/** Student's t at 0.975, by degrees of freedom from 1: twice the standard error that holds the mean in 95 of 100. */
const STUDENT = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
];
const NORMAL = 1.96;

/** A mean with its 95 % confidence interval, by Student's distribution; no interval of one value. */
export interface Estimate {
  n: number;
  mean: number;
  /** Half the width of the interval; null of one value. */
  half: number | null;
}

/** What values come to; null of none. */
export function estimate(values: readonly number[]): Estimate | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  if (n === 1) return { n, mean, half: null };
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1);
  return { n, mean, half: (STUDENT[n - 2] ?? NORMAL) * Math.sqrt(variance / n) };
}
