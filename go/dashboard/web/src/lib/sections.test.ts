import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { MetricDefinitionSchema } from "../gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { queryFor, sectionsOf } from "./sections";

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

test("queries escape their strings", () => {
  expect(queryFor(metric("loss"))).toBe('loss(scale="ML_STEP")');
  expect(queryFor(metric("m", 'a"b'))).toBe('m(scale="a\\"b")');
});
