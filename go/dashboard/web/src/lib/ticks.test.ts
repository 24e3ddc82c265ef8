import { expect, test } from "vitest";
import { stepsAmong, ticksOf } from "./ticks";

test("ticks are round numbers within the range", () => {
  expect(ticksOf([0, 10], false, 5)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(ticksOf([-0.3, 0.7], false, 5)).toEqual([-0.2, 0, 0.2, 0.4, 0.6]);
  expect(ticksOf([3, 3], false, 5)).toEqual([3]);
});

test("on a logarithmic axis they are powers of ten", () => {
  expect(ticksOf([0.5, 5000], true, 6)).toEqual([1, 10, 100, 1000]);
  expect(ticksOf([1e-12, 1], true, 6)).toEqual([1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]);
});

test("a short stretch of a logarithmic axis has ticks between powers", () => {
  expect(ticksOf([0.9, 9], true, 6)).toEqual([1, 2, 5]);
  expect(ticksOf([2, 2.4], true, 3)).toEqual([2, 2.2, 2.4]);
});

test("ticks of whole numbers are whole", () => {
  expect(stepsAmong([0, 1, 13])[0]).toBe(1);
  expect(stepsAmong([0, 0.5])).toContain(0.002);
});
