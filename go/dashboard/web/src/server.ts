import type { Attribute } from "./gen/metrana_protobuf/common/v1/attribute_pb";
import type { MetricDefinition } from "./gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { queries } from "./server/clients";

/** Which run. */
export interface RunName {
  workspace: string;
  project: string;
  run: string;
}

/** A run, and whether a forked one is shown with what it inherits. */
export interface ShownRun extends RunName {
  inherited: boolean;
}

/** A stretch of an axis, both ends included. */
export interface Range {
  from: number;
  to: number;
}

/** The value of an attribute, as pages show it. */
export type Value = string | number | boolean | Date | string[] | null;

/** All attributes of a run. */
export async function readAttributes(
  { workspace, project, run }: RunName,
  signal: AbortSignal,
): Promise<Map<string, Value>> {
  const answer = await queries.listAttributes(
    { workspace, source: { case: "runSource", value: { project, run } }, limit: 10_000n },
    { signal },
  );
  return valuesOf(answer.attributes);
}

/** Attributes as pages show them, by path. */
export function valuesOf(attributes: Attribute[]): Map<string, Value> {
  return new Map(attributes.map((a) => [a.path, readValue(a)]));
}

function readValue(attribute: Attribute | undefined): Value {
  const value = attribute?.value;
  if (value === undefined) return null;
  switch (value.case) {
    case undefined:
      return null;
    case "stringSetValue":
      return value.value.values;
    case "timestampValue":
      return new Date(Number(value.value.seconds) * 1000 + value.value.nanos / 1e6);
    case "intValue":
      return Number(value.value);
    default:
      return value.value;
  }
}

/** The metrics of a run, those of its environments among them. */
export async function listMetrics(
  { workspace, project, run }: RunName,
  signal: AbortSignal,
): Promise<MetricDefinition[]> {
  const answer = await queries.listMetricDefinitions(
    { workspace, project, runNames: [run], limit: 10_000n },
    { signal },
  );
  return answer.metricDefinitions;
}
