import { expect, test } from "vitest";
import { chartLines, type DrawableCurve, MOST_LINES } from "./chart_lines";

const curve = (run: string, xs: number[], means: number[], labels = ""): DrawableCurve => ({
  run,
  labels,
  labelValues: {},
  grid: { first: 0, last: 10, width: 1, count: 11, whole: true },
  xs,
  counts: xs.map(() => 2),
  means,
  minima: means.map((v) => v - 1),
  maxima: means.map((v) => v + 1),
  lasts: means.map((v) => v + 0.5),
  nans: [],
  infinities: [],
  negativeInfinities: [],
});
const plain = { value: "mean", smoothing: { kind: "ema", amount: 0 } } as const;

test("curves are laid out over all xs", () => {
  const { xs, lines, points } = chartLines(
    [curve("a", [0, 2], [1, 3]), curve("b", [1, 2], [5, 6])],
    plain,
    2,
  );
  expect(xs).toEqual([0, 1, 2]);
  expect(lines.map((l) => l.values)).toEqual([
    [1, null, 3],
    [null, 5, 6],
  ]);
  expect(lines[0]?.low).toEqual([0, null, 2]);
  expect(points).toBe(8);
});

test("lines are named by what tells them apart", () => {
  const of = (runs: number, ...curves: DrawableCurve[]) =>
    chartLines(curves, plain, runs).lines.map((l) => l.label);
  expect(of(1, curve("a", [0], [1]))).toEqual([""]);
  expect(of(1, curve("a", [0], [1], "head=b"))).toEqual(["head=b"]);
  expect(of(2, curve("a", [0], [1]), curve("b", [0], [1], "head=b"))).toEqual(["a", "b head=b"]);
});

test("a line says whose it is when the other runs lack the metric", () => {
  expect(chartLines([curve("a", [0], [1])], plain, 2).lines[0]?.label).toBe("a");
});

test("smoothing keeps what it smooths", () => {
  const [line] = chartLines(
    [curve("a", [0, 1], [0, 10])],
    { value: "last", smoothing: { kind: "ema", amount: 0.5 } },
    1,
  ).lines;
  expect(line?.raw).toEqual([0.5, 10.5]);
  expect(line?.values[0]).toBe(0.5);
  expect(line?.values[1]).toBeLessThan(10.5);
});

test("a zoomed line is the part in view of the whole one smoothed", () => {
  const style = { value: "mean", smoothing: { kind: "gaussian", amount: 2 } } as const;
  const all = curve("a", [0, 1, 2, 4, 7, 8], [0, 10, 0, 10, 0, 10]);
  const zoomed = curve("a", [2, 3, 4], [5, 6, 7]);
  const before = chartLines([all], style, 1);
  const range = { from: 2, to: 4 };
  const { xs, lines } = chartLines([zoomed], style, 1, { curves: [all], range });
  const smooth = (x: number) => before.lines[0]?.values[before.xs.indexOf(x)] ?? Number.NaN;
  expect(xs).toEqual([1, 2, 3, 4, 7]);
  expect(lines[0]?.values).toEqual(
    [1, 2, 3, 4, 7].map((x) => (x === 3 ? (smooth(2) + smooth(4)) / 2 : smooth(x))),
  );
  expect(lines[0]?.raw).toEqual([null, 5, 6, 7, null]);
  expect(lines[0]?.high).toEqual([null, 6, 7, 8, null]);
});

test("very many lines are told as quantiles, with all that is not finite", () => {
  const many = Array.from({ length: MOST_LINES + 1 }, (_, i) => curve(`r${i}`, [0], [i]));
  const { lines, summedUp } = chartLines(
    [...many, { ...curve("nan", [], []), nans: [7] }],
    plain,
    300,
  );
  expect(summedUp).toBe(MOST_LINES + 2);
  expect(lines[0]?.values).toEqual([MOST_LINES / 2]);
  expect(lines[0]?.low).toEqual([MOST_LINES / 10]);
  expect(lines[0]?.nans).toEqual([7]);
  expect(lines.slice(1).map((l) => l.label)).toEqual(["r200", "r199", "r198", "r2", "r1", "r0"]);
  expect(lines[1]?.high).toEqual([null]);
});
