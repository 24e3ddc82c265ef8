import { expect, test } from "vitest";
import { type RGB, scaleColour } from "./colour_scale";

/** CIE lightness, 0 to 100. */
function lightness([r, g, b]: RGB): number {
  const linear = (v: number) => (v <= 10.31 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const y = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
}

test("lightness rises evenly", () => {
  const steps = Array.from({ length: 21 }, (_, i) => lightness(scaleColour(i / 20)));
  const mean = ((steps[20] ?? 0) - (steps[0] ?? 0)) / 20;
  for (let i = 1; i <= 20; i++) {
    const step = (steps[i] ?? 0) - (steps[i - 1] ?? 0);
    expect(step / mean).toBeGreaterThan(0.6);
    expect(step / mean).toBeLessThan(1.4);
  }
});

test("beyond the ends are the ends", () => {
  expect(scaleColour(-3)).toEqual([68, 1, 84]);
  expect(scaleColour(7)).toEqual([253, 231, 37]);
});
