import { expect, test } from "vitest";
import { alignCurves, valueBefore } from "./align";

const curve = (xs: number[], means: number[]) => ({
  xs,
  means,
  minima: means.map((v) => v - 1),
  maxima: means.map((v) => v + 1),
});

test("curves share the xs that any of them has", () => {
  const { xs, columns } = alignCurves([curve([0, 2], [5, 6]), curve([1, 2, 4], [7, 8, 9])]);
  expect(xs).toEqual([0, 1, 2, 4]);
  expect(columns[0]?.values).toEqual([5, null, 6, null]);
  expect(columns[1]?.low).toEqual([null, 6, 7, 8]);
  expect(columns[1]?.high).toEqual([null, 8, 9, 10]);
});

test("a chart reaches to where its curves are not finite", () => {
  const { xs, columns } = alignCurves([{ ...curve([0, 1], [5, 6]), notFinite: [1, 3] }]);
  expect(xs).toEqual([0, 1, 3]);
  expect(columns[0]?.values).toEqual([5, 6, null]);
});

test("no curves have no xs", () => {
  expect(alignCurves([])).toEqual({ xs: [], columns: [] });
});

test("between points the last one counts", () => {
  expect(valueBefore([0, 2, 4], [1, null, 3], 3)).toBe(1);
  expect(valueBefore([0, 2, 4], [1, null, 3], 4)).toBe(3);
  expect(valueBefore([1], [5], 0)).toBeNull();
});
