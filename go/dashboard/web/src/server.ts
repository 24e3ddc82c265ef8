import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { Attribute } from "./gen/metrana_protobuf/common/v1/attribute_pb";
import type { MetricDefinition } from "./gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { QueryService } from "./gen/metrana_protobuf/query/v1/svc/query_service_pb";
import { allPages } from "./lib/pages";

// The one module that talks to the server.

const client = createClient(
  QueryService,
  createConnectTransport({ baseUrl: window.location.origin, useBinaryFormat: true }),
);

/** Which run. */
export interface RunName {
  workspace: string;
  project: string;
  run: string;
}

/** A stretch of an axis, both ends included. */
export interface Range {
  from: number;
  to: number;
}

/** The most that the server gives at once. */
const PROJECTS_PAGE = 500;

export interface Project {
  workspace: string;
  name: string;
  runs: number;
  modified: Date | null;
}

/** The value of an attribute, as pages show it. */
export type Value = string | number | boolean | Date | string[] | null;

/** The projects of all workspaces, last changed first. */
export async function listProjects(signal: AbortSignal): Promise<Project[]> {
  const { workspaces } = await client.listWorkspaces({}, { signal });
  const lists = await Promise.all(workspaces.map((w) => projectsOf(w.name, signal)));
  return lists.flat().sort((a, b) => (b.modified?.getTime() ?? 0) - (a.modified?.getTime() ?? 0));
}

async function projectsOf(workspace: string, signal: AbortSignal): Promise<Project[]> {
  const projects = await allPages(PROJECTS_PAGE, async (page) => {
    const asked = { workspace, attributePaths: ["sys/modification_time"], ...page };
    return (await client.listProjects(asked, { signal })).projects;
  });
  return projects.map((p) => {
    const modified = readValue(p.attributes[0]);
    return {
      workspace,
      name: p.name,
      runs: Number(p.runsCount),
      modified: modified instanceof Date ? modified : null,
    };
  });
}

/** All attributes of a run. */
export async function readAttributes(
  { workspace, project, run }: RunName,
  signal: AbortSignal,
): Promise<Map<string, Value>> {
  const answer = await client.listAttributes(
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
  const answer = await client.listMetricDefinitions(
    { workspace, project, runNames: [run], limit: 10_000n },
    { signal },
  );
  return answer.metricDefinitions;
}
