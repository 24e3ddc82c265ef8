import { expect, test } from "vitest";
import { metricAxis } from "./metric_axis";
import { pythonCall } from "./python_call";

const asked = {
  origin: "http://127.0.0.1:7420",
  workspace: "w",
  project: "p",
  runs: ["a", 'b"; import os #'],
  metric: { metricName: "loss", scale: "ML_STEP" },
  axis: "step",
  range: null,
  buckets: 640,
} as const;

test("the call names what the chart shows", () => {
  const program = pythonCall(asked);
  expect(program).toContain('SeriesFilter("loss"),');
  expect(program).toContain('axis="step"');
  expect(program).not.toContain("within");
  expect(program).not.toContain("inherited");
  expect(pythonCall({ ...asked, inherited: true })).toContain("include_inherited=True,");
  const zoomed = pythonCall({
    ...asked,
    metric: { metricName: "return", scale: "EPISODE" },
    axis: "update",
    range: { from: 3, to: 9 },
  });
  expect(zoomed).toContain('SeriesFilter("return", scale="EPISODE")');
  expect(zoomed).toContain("within=(3, 9)");
});

test("curves along a metric have a call of their own", () => {
  const axis = metricAxis({ metricName: "return", scale: "EPISODE" });
  const program = pythonCall({ ...asked, axis, range: { from: 0.5, to: 2 } });
  expect(program).toContain("client.fetch_curves_by_metric(");
  expect(program).toContain(
    [
      'SeriesFilter("loss"),',
      'SeriesFilter("return", scale="EPISODE"),',
      'joined_by="step",',
      "within=(0.5, 2),",
    ].join("\n        "),
  );
  const episodes = { metricName: "reward", scale: "ENVIRONMENT_STEP" };
  expect(pythonCall({ ...asked, axis, metric: episodes })).toContain('joined_by="rl_step"');
});

test("a single series of an environment can be asked for", () => {
  const program = pythonCall({ ...asked, labels: { head: 'a"b' }, environment: "env-1" });
  expect(program).toContain(String.raw`SeriesFilter("loss", labels={"head": "a\"b"}),`);
  expect(program).toContain('environments=["env-1"]');
});

test("names cannot become program", () => {
  expect(pythonCall(asked)).toContain(String.raw`["a", "b\"; import os #"],`);
});
