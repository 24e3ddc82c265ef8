import { expect, test } from "vitest";
import { loneBucket } from "./lone_bucket";

test("a line with one bucket of several values has a lone bucket", () => {
  expect(loneBucket([7], { low: [-1], high: [50] })).toEqual({ x: 7, low: -1, high: 50 });
  const elsewhere = { low: [null, 2, null], high: [null, 3, null] };
  expect(loneBucket([1, 4, 9], elsewhere)).toEqual({ x: 4, low: 2, high: 3 });
});

test("none where a band is seen, or where there is nothing to see", () => {
  expect(loneBucket([1, 2], { low: [0, 0], high: [1, 1] })).toBeNull();
  expect(loneBucket([1, 2, 3], { low: [0, null, 0], high: [1, null, 1] })).toBeNull();
  expect(loneBucket([1], { low: [5], high: [5] })).toBeNull();
  expect(loneBucket([1], { low: [null], high: [null] })).toBeNull();
  expect(loneBucket([], { low: [], high: [] })).toBeNull();
});
