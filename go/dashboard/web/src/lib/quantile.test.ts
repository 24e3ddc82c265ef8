import { expect, test } from "vitest";
import { quantile } from "./quantile";

test("quantiles are linear between values", () => {
  expect(quantile([1, 2], 0.25)).toBe(1.25);
  expect([0, 0.5, 1].map((q) => quantile([1, 2, 4], q))).toEqual([1, 2, 4]);
  expect(quantile([7], 0.3)).toBe(7);
  const some = [1.091, 3.389, 5.991, 6.037, 6.339, 6.743, 7.465, 7.716];
  expect(quantile(some, 0.333)).toBeCloseTo(6.006226, 9); // that of NumPy
  expect(quantile([], 0.5)).toBeNaN();
});
