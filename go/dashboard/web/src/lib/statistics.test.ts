import { expect, test } from "vitest";
import {
  bootstrap,
  ESTIMATES,
  estimateWithInterval,
  finalScores,
  firstReached,
  performanceProfile,
  probabilityOfImprovement,
  randomIndexes,
  thresholdsOf,
  usualThreshold,
} from "./statistics";

// What NumPy makes of these is written beside them.
const a = [6.037, 7.465, 5.991, 1.091, 7.716, 6.339, 3.389, 6.743];
const b = [4.729, 4.588, 4.057, 5.093, 2.527, 3.674, 3.036];

test("estimators are those of NumPy", () => {
  expect(ESTIMATES.iqm(a)).toBeCloseTo(6.2775, 9);
  expect(ESTIMATES.iqm(b)).toBeCloseTo(4.074357142857143, 9); // cuts go through samples
  expect(ESTIMATES.median(a)).toBeCloseTo(6.188, 9);
  expect(ESTIMATES.median(b)).toBe(4.057);
  expect(ESTIMATES.mean(a)).toBeCloseTo(5.596375, 9);
  for (const estimate of Object.values(ESTIMATES)) expect(estimate([3])).toBe(3);
});

test("intervals lie where those of NumPy do", () => {
  const { value, low, high } = estimateWithInterval(a, ESTIMATES.mean);
  expect(value).toBeCloseTo(5.596375, 9);
  expect(Math.abs(low - 4.017)).toBeLessThan(0.12);
  expect(Math.abs(high - 6.887)).toBeLessThan(0.12);
  const improvement = bootstrap([a, b], ([x, y]) => probabilityOfImprovement(x ?? [], y ?? []));
  expect(Math.abs(improvement.low - 0.5)).toBeLessThan(0.05);
  expect(improvement.high).toBe(1);
});

test("intervals are the same every time, and none of one sample", () => {
  expect(estimateWithInterval(a, ESTIMATES.iqm)).toEqual(estimateWithInterval(a, ESTIMATES.iqm));
  expect(estimateWithInterval([3], ESTIMATES.mean)).toEqual({
    value: 3,
    low: Number.NaN,
    high: Number.NaN,
  });
  expect(estimateWithInterval([], ESTIMATES.mean).value).toBeNaN();
});

test("random indexes are even", () => {
  const next = randomIndexes(7);
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 50_000; i++) {
    const k = next(5);
    counts[k] = (counts[k] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});

test("a final score is the mean of the last tenth that a curve has", () => {
  const grid = Array.from({ length: 21 }, (_, i) => i);
  const whole = grid.map((x) => (x >= 18 ? 6 : 0));
  const short = grid.map((x) => (x <= 10 ? x : Number.NaN));
  expect(finalScores(grid, [whole, short, grid.map(() => Number.NaN)])).toEqual([6, 9.5]);
});

test("a profile tells the part above each threshold", () => {
  expect(thresholdsOf([[1, 5], [3]], 3)).toEqual([1, 3, 5]);
  expect(performanceProfile([1, 3, 5, 5], [0, 1, 3, 5])).toEqual([1, 0.75, 0.5, 0]);
  expect(thresholdsOf([], 3)).toEqual([]);
});

test("equal scores are half an improvement", () => {
  expect(probabilityOfImprovement([2, 3], [1, 3])).toBe(0.625);
  expect(probabilityOfImprovement(a, b)).toBeCloseTo(0.7857142857142857, 12);
});

test("a threshold is reached between two points", () => {
  expect(firstReached([0, 10, 20], [0, 4, 8], 6)).toBe(15);
  expect(firstReached([0, 10, 20], [Number.NaN, 4, 2], 3)).toBe(10);
  expect(firstReached([0, 10, 20], [0, Number.NaN, 8], 4)).toBe(10);
  expect(firstReached([0, 10], [0, 1], 3)).toBeNaN();
});

test("the usual threshold is four fifths of the way up", () => {
  expect(usualThreshold([[0, Number.NaN, 50], [10]])).toBe(40);
  expect(usualThreshold([[-100, 0]])).toBe(-20);
  expect(usualThreshold([])).toBeNaN();
});
