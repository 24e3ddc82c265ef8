import { expect, test } from "vitest";
import { panelsOf, splitTerm } from "./overview_panels";

const metric = (metricName: string, scale = "ML_STEP", ...labelKeys: string[]) => ({
  metricName,
  scale,
  labelKeys,
});

const shown = (...metrics: ReturnType<typeof metric>[]) =>
  panelsOf(metrics).map((panel) =>
    panel.kind === "terms"
      ? `${panel.prefix}: ${panel.metrics.map((m) => m.metricName).join(" ")}`
      : `${panel.kind} ${panel.metric.metricName}${panel.kind === "density" ? ` ${panel.evaluation}` : ""}`,
  );

test("single episodes have a density, others a line", () => {
  expect(
    shown(metric("return", "EPISODE"), metric("return"), metric("success", "EPISODE")),
  ).toEqual(["density return null", "chart return", "chart success"]);
});

test("evaluations have a density of their own", () => {
  expect(shown(metric("return", "EPISODE", "evaluation"))).toEqual([
    "density return false",
    "density return true",
  ]);
});

test("where no name says what it is, the first metrics are shown, but none of the machine", () => {
  expect(shown(metric("system/cpu_percent"), metric("x"), metric("y"))).toEqual([
    "chart x",
    "chart y",
  ]);
});

test("terms of a reward make one chart for each prefix and scale; a single one is a line", () => {
  expect(
    shown(
      metric("Episode_Reward/alive"),
      metric("Episode_Reward/torque"),
      metric("reward_terms/energy", "ENVIRONMENT_STEP"),
      metric("reward_terms/progress", "ENVIRONMENT_STEP"),
      metric("rewards/format/mean"),
    ),
  ).toEqual([
    "Episode_Reward: Episode_Reward/alive Episode_Reward/torque",
    "reward_terms: reward_terms/energy reward_terms/progress",
    "chart rewards/format/mean",
  ]);
});

test("a topic has three charts at most, and names that say nothing the first six", () => {
  const losses = ["a/loss", "b/loss", "c/loss", "d/loss"].map((name) => metric(name));
  expect(shown(...losses)).toEqual(["chart a/loss", "chart b/loss", "chart c/loss"]);
  const unknown = Array.from({ length: 9 }, (_, i) => metric(`x${i}`));
  expect(shown(...unknown)).toHaveLength(6);
});

test("a term is what stands behind the prefix", () => {
  expect(splitTerm("Episode_Reward/alive")).toEqual({ prefix: "Episode_Reward", term: "alive" });
  expect(splitTerm("Episode/rew_alive")).toEqual({ prefix: "Episode/rew", term: "alive" });
  expect(splitTerm("train/rewards/format/mean")).toEqual({
    prefix: "train/rewards",
    term: "format",
  });
});
