import { expect, test } from "vitest";
import {
  episodeMetrics,
  episodeQuery,
  formatMetric,
  lengthOf,
  parseMetric,
  returnOf,
  titleOf,
} from "./episode_metrics";

const definitions = [
  { metricName: "success", scale: "EPISODE" },
  { metricName: "rollout/ep_rew_mean", scale: "EPISODE" },
  { metricName: "length", scale: "EPISODE" },
  { metricName: "reward", scale: "ENVIRONMENT_STEP" },
  { metricName: "loss", scale: "ML_STEP" },
];

test("episodes have what is logged for them, and sums of their steps", () => {
  const titles = episodeMetrics(definitions).map(titleOf);
  expect(titles).toEqual([
    "success",
    "rollout/ep_rew_mean",
    "length",
    "sum of reward",
    "mean of reward",
    "min of reward",
    "max of reward",
  ]);
});

test("a return is found by its name, or else the first metric taken", () => {
  const metrics = episodeMetrics(definitions);
  expect(returnOf(metrics)?.name).toBe("rollout/ep_rew_mean");
  expect(lengthOf(metrics)?.name).toBe("length");
  expect(returnOf(metrics.slice(0, 1))?.name).toBe("success");
  expect(returnOf([])).toBeNull();
});

test("a metric comes back from an address", () => {
  for (const metric of episodeMetrics([{ metricName: "a:b/c", scale: "ENVIRONMENT_STEP" }])) {
    expect(parseMetric(formatMetric(metric))).toEqual(metric);
  }
  expect(parseMetric("step:median:reward")).toBeNull();
  expect(parseMetric("return")).toBeNull();
});

test("queries name the scale", () => {
  expect(episodeQuery({ name: "reward", scale: "ENVIRONMENT_STEP", reduction: "sum" })).toBe(
    'reward(scale="ENVIRONMENT_STEP")',
  );
});
