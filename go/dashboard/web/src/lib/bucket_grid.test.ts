import { expect, test } from "vitest";
import { bucketEnd, placesOf } from "./bucket_grid";

test("a bucket ends before the next one begins, the last one with the axis", () => {
  const grid = { first: 10, last: 19, width: 10 / 3, count: 3, whole: true };
  expect([10, 13, 16].map((x) => bucketEnd(x, grid))).toEqual([12, 15, 19]);
});

test("the first bucket begins at the lowest x, wherever buckets are counted from", () => {
  const grid = { first: 8, last: 39, width: 16, count: 2, whole: true };
  expect([8, 9, 17, 23, 24].map((x) => bucketEnd(x, grid))).toEqual([23, 23, 23, 23, 39]);
});

test("a bucket of one x ends where it begins", () => {
  const grid = { first: 5, last: 9, width: 1, count: 5, whole: true };
  expect([5, 6, 9].map((x) => bucketEnd(x, grid))).toEqual([5, 6, 9]);
});

test("a bucket of values ends just before the next one begins", () => {
  const grid = { first: -0.5, last: 1, width: 0.5, count: 3, whole: false };
  const [a = 0, b = 0, c] = [-0.5, 0, 0.5].map((x) => bucketEnd(x, grid));
  expect([a < 0, a > -1e-9]).toEqual([true, true]);
  expect([b < 0.5, b > 0.5 - 1e-9]).toEqual([true, true]);
  expect(c).toBe(1);
});

test("where each value has a bucket, it is no wider, and lies as far from others as it is", () => {
  const grid = { first: 1, last: 11, width: 0.1, count: 100, whole: false, each: true };
  expect([1, 1.5, 11].map((x) => bucketEnd(x, grid))).toEqual([1, 1.5, 11]);
  expect(placesOf([1, 1.04, 1.5, 11], grid)).toEqual([0, 0, 5, 100]);
});

test("the ends of many buckets are those of plain counting, whatever the width", () => {
  for (const width of [1.0001, 1.7, 123.456789, 1e6 / 3]) {
    const count = 5000;
    const starts = Array.from({ length: count }, (_, i) => 7 + Math.floor(i * width));
    const last = 7 + Math.floor(count * width) - 1;
    const grid = { first: 7, last, width, count, whole: true };
    const ends = starts.map((x) => bucketEnd(x, grid));
    expect(ends).toEqual([...starts.slice(1).map((x) => x - 1), last]);
  }
});
