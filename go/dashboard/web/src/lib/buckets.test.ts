import { expect, test } from "vitest";
import { type BucketedSeries, labelOf, toChart } from "./buckets";

const series = (label: string, indexes: number[], mean: number[]): BucketedSeries => ({
  label,
  indexes: indexes.map(BigInt),
  means: mean,
  mins: mean.map((v) => v - 1),
  maxs: mean.map((v) => v + 1),
  counts: mean.map(() => 2n),
  nonFinite: [],
});

test("series share the xs of all filled buckets", () => {
  const chart = toChart({
    first: 10,
    last: 29,
    width: 2.5,
    series: [series("a", [0, 3], [1, 2]), { ...series("b", [1], [5]), nonFinite: [7n] }],
  });
  expect(chart.xs).toEqual([10, 12, 17]);
  expect(chart.lines[0]?.mean).toEqual([1, null, 2]);
  expect(chart.lines[0]?.max).toEqual([2, null, 3]);
  expect(chart.lines[1]?.min).toEqual([null, 4, null]);
  expect(chart.lines[1]?.marks).toEqual([27]);
  expect(chart.points).toBe(6);
});

test("nothing gives an empty chart", () => {
  expect(toChart({ first: 0, last: 0, width: 1, series: [] })).toEqual({
    xs: [],
    lines: [],
    points: 0,
  });
});

test("labels are sorted", () => {
  expect(labelOf({ b: "2", a: "1" })).toBe("a=1, b=2");
});
