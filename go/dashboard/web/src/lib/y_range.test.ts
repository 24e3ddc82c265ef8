import { expect, test } from "vitest";
import { yRange } from "./y_range";

const line = { values: [1, null, 3], raw: null, low: [-5, null, 3], high: [1, null, 9] };
const wanted = { band: false, logY: false, robust: false };

test("the range is of what is drawn, with some air", () => {
  const [low, high] = yRange([line], wanted);
  expect([low < 1 && low > 0.5, high > 3 && high < 3.5]).toEqual([true, true]);
  expect(yRange([line], { ...wanted, band: true })[0]).toBeLessThan(-5);
  expect(yRange([{ ...line, raw: [100] }], wanted)[1]).toBeGreaterThan(100);
});

test("a logarithmic axis has what is positive, and a range of its own without any", () => {
  const [low] = yRange([line], { ...wanted, band: true, logY: true });
  expect(low).toBeGreaterThan(0);
  expect(yRange([], { ...wanted, logY: true })[0]).toBeCloseTo(1 / 1.1);
});
