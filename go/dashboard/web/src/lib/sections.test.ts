import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { MetricDefinitionSchema } from "../gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { metricKey } from "./metric_key";
import { metricsOfKeys, queryFor, sectionsOf } from "./sections";

const metric = (metricName: string, scale = "ML_STEP") =>
  create(MetricDefinitionSchema, { metricName, scale });

test("metrics are grouped by what stands before their last slash", () => {
  const sections = sectionsOf(["train/loss", "loss", "train/lr", "eval/a/b"].map((n) => metric(n)));
  expect(sections.map((s) => [s.name, s.metrics.map((m) => m.metricName)])).toEqual([
    ["", ["loss"]],
    ["eval/a", ["eval/a/b"]],
    ["train", ["train/loss", "train/lr"]],
  ]);
});

test("metrics are picked by their keys, in the order of these", () => {
  const [loss, ofEpisodes] = [metric("loss"), metric("loss", "EPISODE")];
  const keys = [ofEpisodes, metric("gone"), loss].map(metricKey);
  expect(metricsOfKeys([loss, metric("lr"), ofEpisodes], keys)).toEqual([ofEpisodes, loss]);
});

test("queries escape their strings", () => {
  expect(queryFor(metric("loss"))).toBe('loss(scale="ML_STEP")');
  expect(queryFor(metric("m", 'a"b'))).toBe('m(scale="a\\"b")');
});

test("queries choose evaluations, or what is none", () => {
  const ofEpisodes = { metricName: "return", scale: "EPISODE" };
  expect(queryFor({ ...ofEpisodes, evaluation: true })).toBe(
    'return(scale="EPISODE", filter=(evaluation = "true"))',
  );
  expect(queryFor({ ...ofEpisodes, evaluation: false })).toBe(
    'return(scale="EPISODE", filter=(evaluation != "true"))',
  );
  expect(queryFor({ ...ofEpisodes, evaluation: null })).toBe('return(scale="EPISODE")');
});
