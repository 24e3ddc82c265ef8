import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { Axis } from "../gen/metrana/views/v1/series_buckets_pb";
import {
  Estimator,
  GetStatisticsRequestSchema,
  type GetStatisticsResponse,
  type NormalisationSchema,
  SampleUnit,
} from "../gen/metrana/views/v1/statistics_pb";
import type { ListRunsResponse } from "../gen/metrana_protobuf/query/v1/svc/catalog_pb";
import { counts, floats } from "../lib/columns";
import type { GroupedRun, RunGroup } from "../lib/groups";
import { inLists } from "../lib/in_lists";
import type { Normalisation, Scale } from "../lib/normalisation";
import { namedOneOf } from "../lib/query_text";
import type { EstimatorName } from "../lib/statistics";
import { type Range, valuesOf } from "../server";
import { PARENT } from "./ancestors";
import { queries, views } from "./clients";
import { MOST_NAMED } from "./environments";

/** A project by its names. */
export interface ProjectName {
  workspace: string;
  project: string;
}

/** How many runs are compared at most. */
export const MOST_RUNS = 1000;
const MOST_PATHS = 500;

/** A run that is compared. */
export interface ComparedRun extends GroupedRun {
  /** Whether it has a parent. */
  forked: boolean;
}

/** The runs of a comparison. */
export interface ComparedRuns {
  runs: ComparedRun[];
  /** Another text when there are others. */
  there: string;
}

const chosenBy = (names: string[]) => (names.length > 0 ? { filter: namedOneOf(names) } : {});

/** How many there are and which is the newest: others when runs were created or deleted. */
function thereOf({ runs, totalCount }: ListRunsResponse): string {
  return `${totalCount} ${runs[0]?.name}`;
}

/** What `listComparedRuns` says of which runs there are, without listing them. */
export async function readRunsThereAre(
  of: ProjectName,
  names: string[],
  signal: AbortSignal,
): Promise<string> {
  return thereOf(await queries.listRuns({ ...of, ...chosenBy(names), limit: 1n }, { signal }));
}

/** Runs of a project with what they may be grouped by: those named, or the newest of all. */
export async function listComparedRuns(
  { workspace, project }: ProjectName,
  names: string[],
  signal: AbortSignal,
): Promise<ComparedRuns> {
  const definitions = await queries.listAttributesDefinitions(
    {
      workspace,
      source: { case: "runSource", value: { project } },
      attrFilter: { nameFilter: { case: "regex", value: "^config/" } },
      limit: BigInt(MOST_PATHS),
    },
    { signal },
  );
  const answer = await queries.listRuns(
    {
      workspace,
      project,
      ...chosenBy(names),
      attributePaths: ["sys/tags", PARENT, ...definitions.attributeDefs.map((d) => d.path)],
      limit: BigInt(MOST_RUNS),
    },
    { signal },
  );
  const runs = answer.runs.map((r) => {
    const attributes = valuesOf(r.attributes);
    const forked = attributes.delete(PARENT);
    return { name: r.name, attributes, forked };
  });
  return { runs, there: thereOf(answer) };
}

/** Along what statistics go. */
export const STATISTICS_AXES = {
  step: Axis.STEP,
  update: Axis.RL_STEP,
  "env steps": Axis.CUMULATIVE_ENV_STEPS,
  episode: Axis.EPISODE,
  "seconds since the start": Axis.RELATIVE_TIME,
} as const;
export type StatisticsAxis = keyof typeof STATISTICS_AXES;

/** What lies around an estimate. */
export const BANDS = ["ci", "std", "sem", "percentiles", "range", "none"] as const;
export type Band = (typeof BANDS)[number];

/** A group of runs, or of some of their environments. */
export interface ComparedGroup extends RunGroup {
  /** All environments without. */
  environments?: string[];
}

/** What a figure is asked by. */
export interface StatisticsQuestion {
  groups: ComparedGroup[];
  seriesQuery: string;
  axis: StatisticsAxis;
  unit: "run" | "environment";
  estimator: EstimatorName;
  band: Band;
  normalisation: Normalisation;
  /** Whether a sample is the means of its points around each grid point. */
  binMeans: boolean;
  gridPoints: number;
  resamples: number;
  /** Whether forked runs have the points of their parents, too. */
  inherited: boolean;
  /** Whether the curve of each sample is wanted as well. */
  samples: boolean;
  /** A stretch of the axis, times in milliseconds; without, all. */
  range?: Range;
}

/** A sample on the grid; NaN beyond its ends. */
export interface SampleCurve {
  run: string;
  environment: string;
  values: Float64Array;
}

/** A group on the grid. */
export interface GroupCurves {
  name: string;
  samples: SampleCurve[];
  /** How many samples there are at each grid point. */
  counts: Float64Array;
  values: Float64Array;
  /** Null without a band. */
  low: Float64Array | null;
  high: Float64Array | null;
}

/** Estimates of groups, and what a figure of them has to say. */
export interface Statistics {
  grid: Float64Array;
  groups: GroupCurves[];
  interpolation: string;
  /** What samples were put on, with both ends; none as they were logged. */
  scales: Scale[];
}

/** The percentiles of the band. */
export const PERCENTILES = [10, 90] as const;

/** Environments in as many lists as it takes to name them; an empty one stands for all. */
function namedAtOnce(environments: string[]): string[][] {
  return environments.length === 0 ? [[]] : inLists(environments, MOST_NAMED);
}

/** The question as a message. */
export function statisticsRequest(
  { workspace, project }: ProjectName,
  asked: StatisticsQuestion,
): MessageInitShape<typeof GetStatisticsRequestSchema> {
  const estimator = Estimator[asked.estimator.toUpperCase() as "IQM" | "MEAN" | "MEDIAN"];
  const around: Record<Band, Estimator[]> = {
    ci: [],
    std: [Estimator.STD],
    sem: [Estimator.SEM],
    percentiles: [],
    range: [Estimator.MIN, Estimator.MAX],
    none: [],
  };
  return {
    workspace,
    project,
    groups: asked.groups.map((g) => ({
      name: g.name,
      members: g.runs.flatMap((run) =>
        namedAtOnce(g.environments ?? []).map((environments) => ({
          run,
          seriesQuery: asked.seriesQuery,
          environments,
        })),
      ),
    })),
    axis: STATISTICS_AXES[asked.axis],
    unit: asked.unit === "run" ? SampleUnit.RUN : SampleUnit.ENVIRONMENT,
    gridPoints: asked.gridPoints,
    estimators: [estimator, ...around[asked.band]],
    percentiles: asked.band === "percentiles" ? [...PERCENTILES] : [],
    includeSamples: asked.samples,
    binMeans: asked.binMeans,
    includeInherited: asked.inherited,
    ...(asked.range
      ? { range: { from: BigInt(asked.range.from), to: BigInt(asked.range.to) } }
      : {}),
    ...(asked.band === "ci" ? { bootstrap: { resamples: asked.resamples } } : {}),
    ...(asked.normalisation.by === "none"
      ? {}
      : { normalisation: normalisationMessage(asked.normalisation) }),
  };
}

function normalisationMessage(asked: Normalisation): MessageInitShape<typeof NormalisationSchema> {
  const scales = asked.scales.map(({ of, ...ends }) => ({ of, ...givenEnds(ends) }));
  switch (asked.by) {
    case "none":
    case "all":
      return givenEnds(asked.scales[0]);
    case "environment":
      return { byEnvironment: true, scales };
    case "run attribute":
      return { byRunAttribute: asked.path, scales };
    case "environment attribute":
      return { byEnvironmentAttribute: asked.path, scales };
  }
}

function givenEnds(of: Omit<Scale, "of"> | undefined): { low?: number; high?: number } {
  const { low = null, high = null } = of ?? {};
  return { ...(low === null ? {} : { low }), ...(high === null ? {} : { high }) };
}

/** How many of the server's units one of a figure's is: times are asked in milliseconds. */
export function unitOf(axis: StatisticsAxis): number {
  return axis === "seconds since the start" ? 1000 : 1;
}

/** The question in the JSON that the server takes as well. */
export function statisticsJson(of: ProjectName, asked: StatisticsQuestion): unknown {
  const message = create(GetStatisticsRequestSchema, statisticsRequest(of, asked));
  return toJson(GetStatisticsRequestSchema, message);
}

/** Estimates of groups on one grid, with each sample. */
export async function readStatistics(
  of: ProjectName,
  asked: StatisticsQuestion,
  signal: AbortSignal,
): Promise<Statistics> {
  const answer = await views.getStatistics(statisticsRequest(of, asked), { signal });
  const unit = unitOf(asked.axis);
  return {
    grid: floats(answer.grid).map((x) => x / unit),
    groups: answer.groups.map((group) => groupCurves(group, asked.band)),
    interpolation: answer.interpolation,
    scales: scalesOf(answer.normalisation),
  };
}

function scalesOf(said: GetStatisticsResponse["normalisation"]): Scale[] {
  if (said === undefined) return [];
  const { low, high, scales } = said;
  const all = low === undefined || high === undefined ? [] : [{ of: "", low, high }];
  return [...all, ...scales].map((s) => ({ of: s.of, low: s.low ?? null, high: s.high ?? null }));
}

function groupCurves(group: GetStatisticsResponse["groups"][number], band: Band): GroupCurves {
  const [main, ...around] = group.estimators;
  const values = floats(main?.values ?? new Uint8Array());
  const column = (bytes: Uint8Array | undefined) => floats(bytes ?? new Uint8Array());
  const shifted = (by: Float64Array, sign: number) =>
    values.map((v, i) => v + sign * (by[i] ?? Number.NaN));
  const ends = (): [Float64Array, Float64Array] | null => {
    switch (band) {
      case "ci":
        return [column(main?.confidenceLow), column(main?.confidenceHigh)];
      case "std":
      case "sem": {
        const width = column(around[0]?.values);
        return [shifted(width, -1), shifted(width, 1)];
      }
      case "percentiles":
        return [column(group.percentiles[0]?.values), column(group.percentiles[1]?.values)];
      case "range":
        return [column(around[0]?.values), column(around[1]?.values)];
      case "none":
        return null;
    }
  };
  const [low, high] = ends() ?? [null, null];
  return {
    name: group.name,
    samples: group.sampleCurves.map((s) => ({
      run: s.run,
      environment: s.environment,
      values: floats(s.values),
    })),
    counts: counts(group.counts),
    values,
    low,
    high,
  };
}
