import { expect, test } from "vitest";
import { estimate } from "./confidence";

test("the interval is Student's", () => {
  // scipy.stats.t.interval(0.95, 3, loc=2.5, scale=scipy.stats.sem([1, 2, 3, 4]))
  const got = estimate([1, 2, 3, 4]);
  expect(got?.mean).toBe(2.5);
  expect(got?.half).toBeCloseTo(2.0542, 3);
});

test("one value has no interval, none no mean", () => {
  expect(estimate([3])).toEqual({ n: 1, mean: 3, half: null });
  expect(estimate([])).toBeNull();
});
