import { expect, test } from "vitest";
import { chartLines, MOST_LINES } from "./chart_lines";
import { markAt, pointAt } from "./chart_point";

const curve = {
  run: "a",
  labels: "",
  labelValues: {},
  grid: { first: 0, last: 39, width: 10, count: 4, whole: true },
  xs: [0, 10, 30],
  counts: [10, 1, 4],
  means: [1, 2, 3],
  minima: [0, 2, 1],
  maxima: [5, 2, 6],
  lasts: [4, 2, 2.5],
  nans: [20],
  infinities: [],
  negativeInfinities: [],
};
const style = { value: "mean", smoothing: { kind: "ema", amount: 0 } } as const;

test("a point tells what its bucket holds, and up to where it reaches", () => {
  const [line] = chartLines([curve], style, 1).lines;
  expect(line && pointAt(line, 30)).toEqual({
    curve,
    from: 30,
    to: 39,
    count: 4,
    mean: 3,
    min: 1,
    max: 6,
    last: 2.5,
    notFinite: null,
  });
  expect(line && pointAt(line, 20)).toBeNull();
});

test("a mark is a point without a number, also where there is no other", () => {
  const [line] = chartLines([curve], style, 1).lines;
  expect(line && markAt(line, 20, Number.NaN)).toMatchObject({
    from: 20,
    to: 29,
    count: 0,
    notFinite: Number.NaN,
  });
  expect(line && markAt(line, 30, Number.NaN)?.count).toBe(4);
});

test("what sums many lines up has no points", () => {
  const many = Array.from({ length: MOST_LINES + 1 }, (_, i) => ({ ...curve, run: `r${i}` }));
  const { lines } = chartLines(many, style, MOST_LINES + 1);
  expect(lines.map((line) => pointAt(line, 10)?.curve.run ?? null)).toContain("r0");
  expect(lines[0] && pointAt(lines[0], 10)).toBeNull();
});
