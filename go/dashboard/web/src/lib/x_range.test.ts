import { expect, test } from "vitest";
import { xRange } from "./x_range";

const all = { range: null, log: false, time: false };

test("all of an axis is from its first x to its last", () => {
  expect(xRange([3, 5, 9], all)).toEqual([3, 9]);
  expect(xRange([], all)).toEqual([0, 1]);
});

test("a zoomed axis shows what was asked for", () => {
  expect(xRange([3, 5, 9], { ...all, range: { from: 0, to: 20 } })).toEqual([0, 20]);
});

test("a single x has its surroundings", () => {
  expect(xRange([5000], all)).toEqual([4999, 5001]);
  expect(xRange([0], all)).toEqual([0, 1]);
  const moment = Date.UTC(2026, 0, 1);
  expect(xRange([moment], { ...all, time: true })).toEqual([moment - 1000, moment + 1000]);
});

test("a logarithmic axis begins above zero", () => {
  const log = { ...all, log: true };
  expect(xRange([0, 4, 100], log)).toEqual([4, 100]);
  expect(xRange([0, 4, 100], { ...log, range: { from: 0, to: 50 } })).toEqual([1, 50]);
  expect(xRange([0], log)).toEqual([0.5, 2]);
  expect(xRange([8], log)).toEqual([4, 16]);
});
