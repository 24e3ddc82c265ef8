import { expect, test } from "vitest";
import { nextWeight, smoothed } from "./smoothing";

test("the average is that of the weights, debiased", () => {
  const values = [3, 5, 1];
  const weight = 0.5;
  const got = smoothed(values, weight);
  // By hand: each value weighs half of the one behind it, in total 1.
  expect(got[0]).toBe(3);
  expect(got[1]).toBeCloseTo((0.5 * 3 + 1 * 5) / 1.5, 12);
  expect(got[2]).toBeCloseTo((0.25 * 3 + 0.5 * 5 + 1) / 1.75, 12);
});

test("what is constant stays, from the first value on", () => {
  for (const value of smoothed([7, 7, 7, 7], 0.99)) expect(value).toBeCloseTo(7, 10);
});

test("gaps weigh nothing", () => {
  expect(smoothed([1, null, 3], 0.5)).toEqual([1, null, smoothed([1, 3], 0.5)[1]]);
});

test("no weight changes nothing, and the key comes back to it", () => {
  expect(smoothed([1, null, 3], 0)).toEqual([1, null, 3]);
  expect(nextWeight(0.5)).toBe(0.6);
  expect(nextWeight(0.99)).toBe(0);
});
