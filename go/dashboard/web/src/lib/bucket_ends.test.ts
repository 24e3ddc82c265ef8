import { expect, test } from "vitest";
import { bucketEnds } from "./bucket_ends";

test("a bucket ends before the next one begins, the last one with the axis", () => {
  expect([...bucketEnds([10, 13, 16], { first: 10, last: 19, width: 10 / 3, count: 3 })]).toEqual([
    12, 15, 19,
  ]);
});

test("a bucket of one x ends where it begins", () => {
  expect([...bucketEnds([5, 6, 9], { first: 5, last: 9, width: 1, count: 5 })]).toEqual([5, 6, 9]);
});

test("the ends of many buckets are those of plain counting, whatever the width", () => {
  for (const width of [1.0001, 1.7, 123.456789, 1e6 / 3]) {
    const count = 5000;
    const starts = Array.from({ length: count }, (_, i) => 7 + Math.floor(i * width));
    const last = 7 + Math.floor(count * width) - 1;
    const ends = bucketEnds(starts, { first: 7, last, width, count });
    expect([...ends]).toEqual([...starts.slice(1).map((x) => x - 1), last]);
  }
});
