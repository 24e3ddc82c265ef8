import { expect, test } from "vitest";
import { envelopeStretches } from "./envelope_stretches";

const LINEAR = { logX: false, logY: false };
const xs = [-1, 0, 1, 2, 3];
const low = [-5, null, -2, 0, 1];
const high = [-4, null, 0, 2, 2];

test("an envelope goes on over places without a bucket", () => {
  expect(envelopeStretches(xs, { low, high }, LINEAR)).toEqual([[0, 2, 3, 4]]);
  expect(envelopeStretches([], { low: [], high: [] }, LINEAR)).toEqual([]);
});

test("below a logarithmic axis it has a gap, left of one nothing", () => {
  const positive = { low: [1, null, 1, 1, 1], high: [2, null, 0, 2, 2] };
  expect(envelopeStretches(xs, positive, { logX: false, logY: true })).toEqual([[0], [3, 4]]);
  expect(envelopeStretches(xs, positive, { logX: true, logY: true })).toEqual([[3, 4]]);
});

test("where ends are the same array nothing lies around the line", () => {
  expect(envelopeStretches(xs, { low, high: low }, LINEAR)).toEqual([]);
});
