import { expect, test } from "vitest";
import { AXES, axisFor, exactX, formatX, nextAxis, parseAxis, stretchText } from "./axis";

test("each scale goes along an axis that it has", () => {
  expect(axisFor({ metricName: "m", scale: "ML_STEP" }, "episode")).toBe("step");
  expect(axisFor({ metricName: "m", scale: "ML_STEP" }, "wall")).toBe("wall");
  expect(axisFor({ metricName: "m", scale: "EPISODE" }, "step")).toBe("update");
  expect(axisFor({ metricName: "m", scale: "ENVIRONMENT_STEP" }, "env_step")).toBe("env_step");
});

test("a key goes through all axes and comes back", () => {
  const seen = AXES.map(() => "");
  AXES.reduce((at, _, i) => {
    seen[i] = at;
    return nextAxis(at);
  }, AXES[0] ?? "step");
  expect(seen).toEqual(AXES);
  expect(nextAxis(AXES[AXES.length - 1] ?? "step")).toBe(AXES[0]);
});

test("xs are told in the axis' own way", () => {
  expect(formatX("relative", 65_000)).toBe("1 min 5 s");
  expect(formatX("wall", Date.UTC(2026, 0, 2, 3, 4, 5))).toBe("2026-01-02 03:04:05");
  expect(formatX("step", 1_234_567)).toBe("1234567");
  expect(parseAxis("nonsense")).toBe("step");
});

test("exact xs leave nothing out, and times of day say their zone", () => {
  expect(exactX("relative", 65_432)).toBe("65.432 s");
  expect(exactX("wall", Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe("2026-01-02 03:04:05.006 UTC");
  expect(exactX("step", 123_456_789)).toBe("123456789");
});

test("stretches have all digits, but those of values none that nobody logged", () => {
  expect(stretchText("step", 1_234_567, 1_234_599)).toBe("1234567 to 1234599");
  expect(stretchText("step", 7, 7)).toBe("7");
  expect(stretchText("metric=kl%20ML_STEP", 0.1, 0.19999999999999998)).toBe("0.1 to 0.2");
});
