import { EnvironmentColumn } from "../gen/metrana/views/v1/environments_pb";
import { Axis } from "../gen/metrana/views/v1/series_buckets_pb";
import { counts, floats, numbersOrNone, times } from "../lib/columns";
import { type EpisodeMetric, episodeQuery } from "../lib/episode_metrics";
import { inLists } from "../lib/in_lists";
import { labelOf } from "../lib/labels";
import type { RunName, ShownRun, Value } from "../server";
import { valuesOf } from "../server";
import { queries, views } from "./clients";
import type { RunNames } from "./curves";
import { metricMessage } from "./episodes";

/** How many environments the server takes at once. */
export const MOST_NAMED = 1000;

/** What environments are sorted by: a column, or an attribute. */
export type EnvironmentSort =
  | "environment"
  | "episodes"
  | "metric"
  | "length"
  | "restarts"
  | "last_time"
  | `attr:${string}`;

const COLUMNS: Record<string, EnvironmentColumn> = {
  environment: EnvironmentColumn.ENVIRONMENT,
  episodes: EnvironmentColumn.EPISODES,
  metric: EnvironmentColumn.METRIC,
  length: EnvironmentColumn.ENV_STEPS,
  restarts: EnvironmentColumn.RESTARTS,
  last_time: EnvironmentColumn.LAST_TIME,
};

/** One environment and what its episodes came to. */
export interface EnvironmentRow {
  id: string;
  episodes: number;
  lastEpisode: number;
  /** Of the last episode that has a number, in env steps. */
  length: number;
  restarts: number;
  lastTime: number;
  /** In the order of the metrics asked for, of the last episode that has one; NaN where none is finite. */
  metrics: (number | undefined)[];
  attributes: Map<string, Value>;
}

/** What a page of environments is asked by. */
export interface EnvironmentQuestion {
  metrics: EpisodeMetric[];
  filter: string;
  sort: EnvironmentSort;
  descending: boolean;
  limit: number;
  offset: number;
  /** Paths of the attributes to show. */
  attributes: string[];
}

/** A page of the environments for which a condition holds, and how many there are. */
export async function listEnvironmentRows(
  run: ShownRun,
  asked: EnvironmentQuestion,
  signal: AbortSignal,
): Promise<{ rows: EnvironmentRow[]; total: number }> {
  const attribute = asked.sort.startsWith("attr:") ? asked.sort.slice(5) : "";
  const answer = await views.listEnvironments(
    {
      run,
      filter: asked.filter,
      metrics: asked.metrics.map(metricMessage),
      order: { column: COLUMNS[asked.sort], attribute, descending: asked.descending },
      limit: asked.limit,
      offset: BigInt(asked.offset),
      includeInherited: run.inherited,
      attributePaths: asked.attributes,
    },
    { signal },
  );
  const columns = {
    episodes: counts(answer.episodes),
    lastEpisode: counts(answer.lastEpisodes),
    length: counts(answer.envSteps),
    restarts: counts(answer.restarts),
    lastTime: times(answer.lastTimes),
  };
  const metrics = answer.metrics.map((column, k) =>
    numbersOrNone(floats(column), answer.loggedNans[k] ?? new Uint8Array()),
  );
  const at = (column: Float64Array, i: number) => column[i] ?? Number.NaN;
  const rows = answer.environments.map((id, i) => ({
    id,
    episodes: at(columns.episodes, i),
    lastEpisode: at(columns.lastEpisode, i),
    length: at(columns.length, i),
    restarts: at(columns.restarts, i),
    lastTime: at(columns.lastTime, i),
    metrics: metrics.map((column) => column[i]),
    attributes: valuesOf(answer.attributes[i]?.attributes ?? []),
  }));
  return { rows, total: Number(answer.totalCount) };
}

/** What the server works out of an environment's points, beside the attributes that were logged. */
const WORKED_OUT = ["environment_id", "latest_episode", "latest_rl_step"];

/** How many runs are asked for the attributes of their environments at once. */
const MOST_RUNS_AT_ONCE = 100;

/** The paths of all attributes that were logged of environments of some runs. */
export async function listEnvironmentAttributes(
  { workspace, project, runs }: RunNames,
  signal: AbortSignal,
): Promise<string[]> {
  const answers = await Promise.all(
    inLists(runs, MOST_RUNS_AT_ONCE).map((some) =>
      queries.listRLAttributesDefinitionsAcrossRuns(
        { workspace, project, runs: some, limit: 1000n },
        { signal },
      ),
    ),
  );
  const paths = answers.flatMap((answer) => answer.attributeDefs.map((d) => d.path));
  return [...new Set(paths)].filter((path) => !WORKED_OUT.includes(path));
}

/** A curve in buckets: parallel columns. */
export interface Curve {
  environment: string;
  label: string;
  metric: string;
  xs: Float64Array;
  means: Float64Array;
  minima: Float64Array;
  maxima: Float64Array;
  /** Where points are NaN or infinite. */
  notFinite: Float64Array;
}

/** Along what curves of environments go. */
export const CURVE_AXES = {
  episode: Axis.EPISODE,
  update: Axis.RL_STEP,
  "env steps": Axis.CUMULATIVE_ENV_STEPS,
} as const;
export type CurveAxis = keyof typeof CURVE_AXES;

/** A metric of some environments over the whole training, one curve an environment. */
export async function readEnvironmentCurves(
  { workspace, project, run, inherited }: ShownRun,
  environments: string[],
  metric: EpisodeMetric,
  axis: CurveAxis,
  buckets: number,
  signal: AbortSignal,
): Promise<{ curves: Curve[]; firstX: number; lastX: number }> {
  const answer = await views.bucketSeries(
    {
      workspace,
      project,
      runs: [run],
      seriesQueries: [episodeQuery(metric)],
      environments,
      axis: CURVE_AXES[axis],
      buckets,
      includeInherited: inherited,
    },
    { signal },
  );
  return { curves: answer.curves.map(curveOf), firstX: answer.firstX, lastX: answer.lastX };
}

/** What one episode of an environment has at each env step: all series of some metrics. */
export async function readEpisodeCurves(
  { workspace, project, run }: RunName,
  environment: string,
  episode: number,
  seriesQueries: string[],
  buckets: number,
  signal: AbortSignal,
): Promise<Curve[]> {
  if (seriesQueries.length === 0) return [];
  const answer = await views.bucketSeries(
    {
      workspace,
      project,
      runs: [run],
      seriesQueries,
      environments: [environment],
      axis: Axis.ENV_STEP,
      episodes: { from: BigInt(episode), to: BigInt(episode) },
      buckets,
    },
    { signal },
  );
  return answer.curves.map(curveOf);
}

type CurveMessage = Awaited<ReturnType<typeof views.bucketSeries>>["curves"][number];

function curveOf(curve: CurveMessage): Curve {
  const kind = curve.identity?.series?.kind;
  const regular = kind?.case === "regular" ? kind.value : null;
  return {
    environment: curve.identity?.environment ?? "",
    label: regular ? labelOf(regular.labels) : "",
    metric: regular?.metricName ?? "",
    xs: floats(curve.xs),
    means: floats(curve.means),
    minima: floats(curve.minima),
    maxima: floats(curve.maxima),
    notFinite: Float64Array.from([
      ...floats(curve.nanXs),
      ...floats(curve.infinityXs),
      ...floats(curve.negativeInfinityXs),
    ]),
  };
}

/** The attributes of an environment, those of one of its episodes laid over them. */
export async function readEpisodeAttributes(
  { workspace, project, run }: RunName,
  environment: string,
  episode: number,
  signal: AbortSignal,
): Promise<Map<string, Value>> {
  const answer = await queries.listRLEnvAttributes(
    { workspace, project, run, environment, episode: BigInt(episode), limit: 1000n },
    { signal },
  );
  return valuesOf(answer.attributes.filter((a) => !WORKED_OUT.includes(a.path)));
}
