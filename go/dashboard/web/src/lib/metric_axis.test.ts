import { expect, test } from "vitest";
import { axisFor, axisTitle, formatX, nextAxis, parseAxis } from "./axis";
import {
  DEFAULT_SETTINGS,
  formatOwn,
  formatSettings,
  parseOwn,
  parseSettings,
} from "./chart_settings";
import { isMetricAxis, metricAxis, metricOfAxis } from "./metric_axis";
import { formatZoom, parseZoom } from "./zoom";

const odd = { metricName: "train/kl, of: 1;2 %", scale: "ML_STEP" };

test("a metric as an axis comes back from an address, whatever it is called", () => {
  const axis = metricAxis(odd);
  expect(metricOfAxis(axis)).toEqual(odd);
  const settings = { ...DEFAULT_SETTINGS, axis, logX: true };
  const text = formatSettings(settings, DEFAULT_SETTINGS);
  expect(parseSettings(text, DEFAULT_SETTINGS)).toEqual(settings);
  expect(parseOwn(formatOwn(new Map([["loss ML_STEP", text]]))).get("loss ML_STEP")).toBe(text);
  const zoom = new Map([
    [axis, { from: -0.00125, to: 3.5e-7 }],
    ["step" as const, { from: 3, to: 9 }],
  ]);
  expect(parseZoom(formatZoom(zoom))).toEqual(zoom);
});

test("what names no metric is no axis", () => {
  for (const text of ["metric=", "metric=kl", "metric=%zz%20A", "kl"]) {
    expect(isMetricAxis(text)).toBe(false);
    expect(parseAxis(text)).toBe("step");
  }
});

test("charts of every scale go along a metric, but for that metric's own", () => {
  const axis = metricAxis({ metricName: "kl", scale: "ML_STEP" });
  expect(axisFor({ metricName: "return", scale: "EPISODE" }, axis)).toBe(axis);
  expect(axisFor({ metricName: "loss", scale: "ML_STEP" }, axis)).toBe(axis);
  expect(axisFor({ metricName: "kl", scale: "ML_STEP" }, axis)).toBe("step");
  expect(axisTitle(axis)).toBe("kl");
  expect(axisTitle(metricAxis({ metricName: "return", scale: "EPISODE" }))).toBe(
    "return (episode)",
  );
  expect(formatX(axis, 0.0123456)).toBe("0.012346");
  expect(nextAxis(axis)).toBe("step");
});
