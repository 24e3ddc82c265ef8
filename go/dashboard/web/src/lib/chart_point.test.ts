import { expect, test } from "vitest";
import { chartLines, MOST_LINES } from "./chart_lines";
import {
  besidePlace,
  firstPlace,
  markAt,
  nearestMark,
  nearestPlace,
  otherLine,
  pointAt,
} from "./chart_point";

const curve = {
  run: "a",
  labels: "",
  labelValues: {},
  grid: { first: 0, last: 39, width: 10, count: 4 },
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

test("the nearest mark is picked", () => {
  const marks = [
    { line: 0, x: 5, value: Number.NaN, left: 50, top: 4 },
    { line: 1, x: 6, value: Number.POSITIVE_INFINITY, left: 60, top: 0 },
  ];
  expect(nearestMark(marks, { left: 57, top: 2 }, 10)).toBe(marks[1]);
  expect(nearestMark(marks, { left: 57, top: 40 }, 10)).toBeNull();
});

test("what sums many lines up has no points", () => {
  const many = Array.from({ length: MOST_LINES + 1 }, (_, i) => ({ ...curve, run: `r${i}` }));
  const { lines } = chartLines(many, style, MOST_LINES + 1);
  expect(lines.map((line) => pointAt(line, 10)?.curve.run ?? null)).toContain("r0");
  expect(lines[0] && pointAt(lines[0], 10)).toBeNull();
});

const drawn = {
  xs: [0, 1, 2, 3],
  values: [
    [0, 1, null, 3],
    [5, 5, undefined, 5],
  ],
  left: (x: number) => 10 * x,
  top: (value: number) => 100 - 10 * value,
};

test("the nearest value is picked, and none that is far away", () => {
  expect(nearestPlace(drawn, { left: 12, top: 88 }, 20)).toEqual({ line: 0, at: 1 });
  expect(nearestPlace(drawn, { left: 12, top: 55 }, 20)).toEqual({ line: 1, at: 1 });
  expect(nearestPlace(drawn, { left: 21, top: 50 }, 5)).toBeNull();
  expect(nearestPlace(drawn, { left: 300, top: 50 }, 20)).toBeNull();
});

test("keys begin at the first value, which a line of its own may not have", () => {
  expect(firstPlace([[], [null, 4], [3]])).toEqual({ line: 1, at: 1 });
  expect(firstPlace([[], [undefined]])).toBeNull();
});

test("keys go along a line over its gaps, and from line to line", () => {
  expect(besidePlace(drawn.values, { line: 0, at: 1 }, 1)).toEqual({ line: 0, at: 3 });
  expect(besidePlace(drawn.values, { line: 0, at: 0 }, -1)).toEqual({ line: 0, at: 0 });
  expect(otherLine(drawn.values, { line: 1, at: 3 }, 1)).toEqual({ line: 0, at: 3 });
  expect(otherLine(drawn.values, { line: 0, at: 3 }, -1)).toEqual({ line: 1, at: 3 });
});
