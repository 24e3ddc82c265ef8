import { expect, test } from "vitest";
import { aired, robustRange } from "./value_range";

test("a few values far away do not flatten the others", () => {
  const values = Array.from({ length: 200 }, (_, i) => i / 200);
  const [low, high] = robustRange([...values, 1e9]) ?? [0, 0];
  expect(low).toBe(0);
  expect(high).toBeLessThan(3);
});

test("without outliers everything is in range", () => {
  expect(robustRange([1, 2, 3])).toEqual([1, 3]);
  expect(robustRange([5])).toEqual([5, 5]);
  expect(robustRange([Number.NaN])).toBeNull();
});

test("what is constant gets a height", () => {
  expect(aired([0, 0], false)).toEqual([-1, 1]);
  const [low, high] = aired([100, 100], false);
  expect(low).toBeLessThan(100);
  expect(high).toBeGreaterThan(100);
  expect(aired([1, 10], true)[0]).toBeGreaterThan(0);
});
