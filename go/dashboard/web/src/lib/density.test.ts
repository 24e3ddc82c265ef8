import { expect, test } from "vitest";
import { binMiddles, type Density, densityPixels, drawnXs, drawnYs, fullest } from "./density";

const density = (counts: number[], columns: number, change: Partial<Density> = {}): Density => ({
  firstX: 10,
  lastX: 10 + columns,
  columns,
  firstY: 0,
  lastY: 1,
  rows: counts.length / columns,
  counts,
  xWhole: true,
  yWhole: false,
  ...change,
});

const alphas = (pixels: Uint8ClampedArray) => Array.from(pixels).filter((_, i) => i % 4 === 3);

test("rows come from the top, empty bins are transparent, fuller ones more opaque", () => {
  const pixels = densityPixels(density([1, 0, 10, 100], 2), [1, 2, 3]);
  expect(Array.from(pixels.slice(0, 3))).toEqual([1, 2, 3]);
  const [ten, hundred, one, none] = alphas(pixels);
  expect(none).toBe(0);
  expect(one).toBeGreaterThan(30);
  expect(ten).toBeGreaterThan(one ?? 0);
  expect(hundred).toBeGreaterThan(ten ?? 0);
});

test("single episodes alone are well seen", () => {
  expect(alphas(densityPixels(density([1, 0], 2), [0, 0, 0]))).toEqual([217, 0]);
  expect(fullest(density([], 1, { rows: 0 }))).toBe(0);
});

test("a bin of one number has its middle there, one of several between them", () => {
  expect(binMiddles(density([1, 1], 2))).toEqual([10, 11]);
  expect(binMiddles(density([1, 1], 2, { lastX: 18 }))).toEqual([11.5, 15.5]);
  expect(drawnXs(density([1, 1], 2))).toEqual({ low: 9.5, high: 11.5 });
  expect(binMiddles(density([1, 1], 2, { xWhole: false }))).toEqual([10.5, 11.5]);
});

test("episodes of one value are drawn with some height", () => {
  expect(drawnYs(density([1], 1))).toEqual({ low: 0, high: 1 });
  expect(drawnYs(density([1], 1, { firstY: 5, lastY: 5 }))).toEqual({ low: 4.9, high: 5.1 });
  expect(drawnYs(density([1], 1, { firstY: 5, lastY: 6, yWhole: true }))).toEqual({
    low: 4.5,
    high: 5.5,
  });
  expect(drawnYs(density([1], 1, { firstY: 0, lastY: 0 }))).toEqual({ low: -0.05, high: 0.05 });
});
