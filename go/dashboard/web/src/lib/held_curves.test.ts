import { expect, test } from "vitest";
import { bucketEnd } from "./bucket_grid";
import { type CurveAnswer, type HeldCurves, heldAfter } from "./held_curves";

const RUNS = ["b", "a", "c"];
const before = { first: 0, last: 99, width: 10, count: 10, whole: true };
const longer = { first: 0, last: 104, width: 10, count: 11, whole: true };

/** Columns tell apart by their numbers what they are of. */
const curve = (run: string, label: string, xs: number[], grid = before) => ({
  run,
  metricName: "loss",
  labelValues: { label },
  grid,
  xs,
  counts: xs.map((x) => x + 1),
  means: xs.map((x) => x + 2),
  minima: xs.map((x) => x + 3),
  maxima: xs.map((x) => x + 4),
  lasts: xs.map((x) => x + 5),
});
type Curve = ReturnType<typeof curve>;

const held: HeldCurves<Curve> = {
  curves: [
    curve("b", "x", [0, 90]),
    curve("b", "y", [0]),
    curve("a", "x", [0, 90]),
    curve("c", "x", [50]),
  ],
  cursor: new Uint8Array([1]),
};

function after(unchangedRuns: string[], curves: Curve[], grid = longer, kept = 0) {
  const answer: CurveAnswer<Curve> = {
    unchangedRuns,
    curves: curves.map((curve) => ({ kept, curve })),
    grid,
    cursor: new Uint8Array([2]),
  };
  return heldAfter(held, answer, RUNS);
}

const seen = ({ curves }: HeldCurves<Curve>) =>
  curves.map(({ run, labelValues, xs }) => `${run} ${labelValues.label} ${xs}`);

test("of unchanged runs the curves stay, of others all are new, in the order of the runs", () => {
  const next = after(["b", "c"], [curve("a", "x", [0, 90, 100], longer)]);
  expect(seen(next)).toEqual(["b x 0,90", "b y 0", "a x 0,90,100", "c x 50"]);
  expect(next.cursor).toEqual(new Uint8Array([2]));
});

test("what an answer has no curves of any longer goes, and new series come", () => {
  const curves = [curve("b", "x", [0]), curve("b", "z", [5])];
  expect(seen(after(["a"], curves))).toEqual(["b x 0", "b z 5", "a x 0,90"]);
});

test("an answer without unchanged runs is all there is", () => {
  expect(seen(after([], [curve("c", "x", [7])]))).toEqual(["c x 7"]);
});

test("curves that stay end where the last bucket of the answer before ended", () => {
  const [stays] = after(["b", "c"], []).curves;
  expect(stays?.grid).toBe(longer);
  expect(bucketEnd(90, before)).toBe(99);
  expect(stays && bucketEnd(90, stays.grid)).toBe(99);
});

test("nothing came: everything stays, as it is", () => {
  expect(after(RUNS, [], before).curves).toBe(held.curves);
});

test("of a curve only what comes behind the buckets that it keeps is in an answer", () => {
  const [, , next] = after(["b", "c"], [curve("a", "x", [90, 100])], longer, 1).curves;
  const whole = curve("a", "x", [0, 90, 100], longer);
  for (const column of ["xs", "counts", "means", "minima", "maxima", "lasts"] as const) {
    expect(Array.from(next?.[column] ?? [])).toEqual(whole[column]);
  }
});

test("buckets are kept of the curve of the same run and labels alone", () => {
  expect(() => after(["a", "c"], [curve("b", "y", [90])], longer, 2)).toThrow("2 buckets");
  expect(() => after(["a", "c"], [curve("b", "new", [90])], longer, 1)).toThrow("of 0");
});
