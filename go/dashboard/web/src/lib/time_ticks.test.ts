import { expect, test } from "vitest";
import { TIME_STEPS, tickLabel } from "./time_ticks";

test("steps ascend, and reach over centuries", () => {
  expect(TIME_STEPS).toEqual([...TIME_STEPS].sort((a, b) => a - b));
  expect(TIME_STEPS.at(-1)).toBeGreaterThan(100 * 365 * 86_400_000);
});

test("neighbouring ticks have different labels at every step", () => {
  const from = Date.UTC(2026, 1, 3);
  for (const axis of ["relative", "wall"] as const) {
    for (const step of TIME_STEPS) {
      const begin = axis === "wall" ? Math.ceil(from / step) * step : 0;
      const labels = [0, 1, 2, 3].map((i) => tickLabel(axis, begin + i * step, step));
      expect(new Set(labels).size, `${axis}, ${step} ms: ${labels.join(", ")}`).toBe(4);
    }
  }
});

test("labels say no more than they have to", () => {
  expect(tickLabel("relative", 1500, 500)).toBe("1.5 s");
  expect(tickLabel("relative", 0, 1000)).toBe("0 s");
  expect(tickLabel("relative", 120_000, 60_000)).toBe("2 min");
  expect(tickLabel("relative", 7_200_000, 3_600_000)).toBe("2 h");
  const moment = Date.UTC(2026, 1, 3, 14, 5, 6, 70);
  expect(tickLabel("wall", moment, 10)).toBe("14:05:06.070");
  expect(tickLabel("wall", moment, 5000)).toBe("14:05:06");
  expect(tickLabel("wall", moment, 300_000)).toBe("02-03 14:05");
  expect(tickLabel("wall", moment, 86_400_000)).toBe("2026-02-03");
  expect(tickLabel("step", 100, 50)).toBe("100");
});
