import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { Attribute } from "./gen/metrana_protobuf/common/v1/attribute_pb";
import type { SeriesDefinition } from "./gen/metrana_protobuf/common/v1/series_pb";
import type { ListRunsResponse_Run } from "./gen/metrana_protobuf/query/v1/svc/catalog_pb";
import type { MetricDefinition } from "./gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { QueryService } from "./gen/metrana_protobuf/query/v1/svc/query_service_pb";
import {
  type RLScaleSelector,
  RLScaleSelectorSchema,
} from "./gen/metrana_protobuf/query/v1/svc/rl_pb";
import { StepSelectionSchema } from "./gen/metrana_protobuf/query/v1/svc/series_pb";
import { type Bucketed, labelOf } from "./lib/buckets";
import { allPages } from "./lib/pages";
import { queryFor } from "./lib/sections";

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

/** A range of steps, both ends included. */
export interface Range {
  from: number;
  to: number;
}

/** The most that the server gives at once. */
const PROJECTS_PAGE = 500;
const ENVIRONMENTS_PAGE = 1000;

export interface Project {
  workspace: string;
  name: string;
  runs: number;
  modified: Date | null;
}

/** The value of an attribute, as pages show it. */
export type Value = string | number | boolean | Date | string[] | null;

export interface Run {
  name: string;
  attributes: Map<string, Value>;
}

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

const RUN_PATHS = [
  "sys/status",
  "sys/creation_time",
  "sys/modification_time",
  "sys/running_time_seconds",
  "sys/tags",
  "sys/description",
];

/** One page of a project's runs, newest first, and how many there are. */
export async function listRuns(
  where: { workspace: string; project: string },
  limit: number,
  signal: AbortSignal,
): Promise<{ runs: Run[]; total: number }> {
  const answer = await client.listRuns(
    { ...where, attributePaths: RUN_PATHS, limit: BigInt(limit) },
    { signal },
  );
  return { runs: answer.runs.map(runOf), total: Number(answer.totalCount) };
}

function runOf(run: ListRunsResponse_Run): Run {
  return { name: run.name, attributes: valuesOf(run.attributes) };
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

export interface Environment {
  id: string;
  latestEpisode: number;
  latestRlStep: number;
}

/** The environments of a run, by id. */
export async function listEnvironments(
  { workspace, project, run }: RunName,
  signal: AbortSignal,
): Promise<Environment[]> {
  const environments = await allPages(ENVIRONMENTS_PAGE, async (page) => {
    const asked = { workspace, project, run, ...page };
    return (await client.listRLEnvironments(asked, { signal })).environments;
  });
  return environments.map((e) => ({
    id: e.environmentId,
    latestEpisode: Number(e.latestEpisode),
    latestRlStep: Number(e.latestRlStep),
  }));
}

/** All series of a metric of a run, in so many buckets. */
export async function readBuckets(
  { workspace, project, run }: RunName,
  metric: MetricDefinition,
  buckets: number,
  range: Range | null,
  signal: AbortSignal,
): Promise<Bucketed> {
  const answer = await client.listFloatSeriesBuckets(
    {
      workspace,
      project,
      runNames: [run],
      seriesQueries: [queryFor(metric)],
      bucketsCount: BigInt(buckets),
      useColumnarOutput: true,
      includeInherited: true,
      ...selectionOf(range),
    },
    { signal },
  );
  return bucketed(
    answer.runSeries,
    answer.runSeries?.series.map((s) => ({ ...s, label: labelsOf(s.definition) })) ?? [],
  );
}

/** A metric of environments at an episode, or of one rl_step, one line an environment. */
export async function readEnvironmentBuckets(
  { workspace, project, run }: RunName,
  environments: string[],
  metric: MetricDefinition,
  episode: number,
  buckets: number,
  range: Range | null,
  signal: AbortSignal,
): Promise<Bucketed> {
  const answer = await client.listRLEnvironmentFloatSeriesBuckets(
    {
      workspace,
      project,
      run,
      environments,
      scaleSelector: atEpisode(episode),
      seriesQueries: [queryFor(metric)],
      bucketsCount: BigInt(buckets),
      useSpecializedRlSeriesBuckets: true,
      ...selectionOf(range),
    },
    { signal },
  );
  const layout = answer.rlSpecializedSeries;
  if (layout.case !== "rlSeriesOnEpisodeSelector") return bucketed(undefined, []);
  return bucketed(
    layout.value,
    layout.value.series.map((s) => ({
      ...s,
      label: [s.environment, labelsOf(s.definition)].filter((part) => part !== "").join(" "),
    })),
  );
}

function atEpisode(episode: number): RLScaleSelector {
  return create(RLScaleSelectorSchema, { scale: { case: "episode", value: BigInt(episode) } });
}

function selectionOf(range: Range | null) {
  if (range === null) return {};
  const value = { fromStep: BigInt(range.from), toStep: BigInt(range.to) };
  return {
    stepSelection: create(StepSelectionSchema, { selection: { case: "stepRange", value } }),
  };
}

function labelsOf(definition: SeriesDefinition | undefined): string {
  return definition?.kind.case === "regular" ? labelOf(definition.kind.value.labels) : "";
}

interface Axis {
  firstStep: bigint;
  lastStep: bigint;
  stepsPerBucket: number;
}

interface Columns {
  label: string;
  bucketIndexes: bigint[];
  yValues: number[];
  counts: bigint[];
  minValues: number[];
  maxValues: number[];
  bucketsWithNans: bigint[];
  bucketsWithInfs: bigint[];
  bucketsWithNegInfs: bigint[];
}

function bucketed(axis: Axis | undefined, series: Columns[]): Bucketed {
  return {
    first: Number(axis?.firstStep ?? 0n),
    last: Number(axis?.lastStep ?? 0n),
    width: axis?.stepsPerBucket ?? 1,
    series: series.map((s) => ({
      label: s.label,
      indexes: s.bucketIndexes,
      means: s.yValues,
      mins: s.minValues,
      maxs: s.maxValues,
      counts: s.counts,
      nonFinite: [...s.bucketsWithNans, ...s.bucketsWithInfs, ...s.bucketsWithNegInfs],
    })),
  };
}
