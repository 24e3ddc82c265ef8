import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  GetEpisodeHistogramRequestSchema,
  GetEpisodeHistogramResponse,
} from "../gen/metrana/views/v1/episode_histogram_pb";
import { EpisodeColumn } from "../gen/metrana/views/v1/episodes_pb";
import {
  type EpisodeMetricSchema,
  type MetricRangeSchema,
  Reduction,
} from "../gen/metrana/views/v1/selection_pb";
import { Estimator } from "../gen/metrana/views/v1/statistics_pb";
import { counts, floats, numbersOrNone, times } from "../lib/columns";
import type { EpisodeBins } from "../lib/density";
import type { EpisodeFilter, Stretch } from "../lib/episode_filter";
import { type EpisodeMetric, episodeQuery } from "../lib/episode_metrics";
import { type QueriedMetric, queryFor } from "../lib/sections";
import { type Range, type ShownRun, type Value, valuesOf } from "../server";
import { views } from "./clients";

/** What episodes are sorted by: a column, or `metric` and its place in the list. */
export type EpisodeSort =
  | "environment"
  | "episode"
  | "rl_step"
  | "length"
  | "started"
  | "restarts"
  | `metric${number}`;

const COLUMNS: Record<string, EpisodeColumn> = {
  environment: EpisodeColumn.ENVIRONMENT,
  episode: EpisodeColumn.EPISODE,
  rl_step: EpisodeColumn.FIRST_RL_STEP,
  length: EpisodeColumn.ENV_STEPS,
  started: EpisodeColumn.FIRST_TIME,
  restarts: EpisodeColumn.RESTARTS,
};

/** One episode of an environment. */
export interface Episode {
  environment: string;
  episode: number;
  firstRlStep: number;
  lastRlStep: number;
  envSteps: number;
  firstTime: number;
  lastTime: number;
  restarts: number;
  /** In the order of the metrics asked for; undefined where there is none. */
  metrics: (number | undefined)[];
  /** Those asked for, as they hold at the episode. */
  attributes: Map<string, Value>;
}

/** A page of episodes. */
export interface EpisodePage {
  episodes: Episode[];
  total: number;
  /** Asks for the next page; empty on the last. */
  next: string;
}

/** What a page of episodes is asked by. */
export interface EpisodeQuestion {
  metrics: EpisodeMetric[];
  /** Paths of attributes of environments. */
  attributes: string[];
  filter: EpisodeFilter;
  sort: EpisodeSort;
  descending: boolean;
  limit: number;
  page: string;
}

/** A metric as the server takes it. */
export function metricMessage(metric: EpisodeMetric): MessageInitShape<typeof EpisodeMetricSchema> {
  const name = metric.reduction.toUpperCase() as keyof typeof Reduction;
  return { seriesQuery: episodeQuery(metric), reduction: Reduction[name] };
}

/** A page of the episodes that a filter selects; its values are those of the first metric. */
export async function listEpisodes(
  run: ShownRun,
  asked: EpisodeQuestion,
  signal: AbortSignal,
): Promise<EpisodePage> {
  const metric = asked.sort.match(/^metric(\d+)$/);
  const answer = await views.listEpisodes(
    {
      run,
      metrics: asked.metrics.map(metricMessage),
      ...filterMessage(asked.filter),
      order: {
        column: metric ? EpisodeColumn.METRIC : COLUMNS[asked.sort],
        metric: metric ? Number(metric[1]) : 0,
        descending: asked.descending,
      },
      limit: asked.limit,
      pageToken: asked.page,
      includeInherited: run.inherited,
      attributePaths: asked.attributes,
    },
    { signal },
  );
  const columns = {
    environment: counts(answer.environmentIndexes),
    firstRlStep: counts(answer.firstRlSteps),
    lastRlStep: counts(answer.lastRlSteps),
    envSteps: counts(answer.envSteps),
    firstTime: times(answer.firstTimes),
    lastTime: times(answer.lastTimes),
    restarts: counts(answer.restarts),
  };
  const metrics = answer.metrics.map((column, k) =>
    numbersOrNone(floats(column), answer.loggedNans[k] ?? new Uint8Array()),
  );
  const at = (column: Float64Array, i: number) => column[i] ?? Number.NaN;
  const episodes = Array.from(counts(answer.episodes), (episode, i) => ({
    environment: answer.environments[at(columns.environment, i)] ?? "",
    episode,
    firstRlStep: at(columns.firstRlStep, i),
    lastRlStep: at(columns.lastRlStep, i),
    envSteps: at(columns.envSteps, i),
    firstTime: at(columns.firstTime, i),
    lastTime: at(columns.lastTime, i),
    restarts: at(columns.restarts, i),
    metrics: metrics.map((column) => column[i]),
    attributes: valuesOf(answer.attributes[i]?.attributes ?? []),
  }));
  return { episodes, total: Number(answer.totalCount), next: answer.nextPageToken };
}

function filterMessage({ environments, episodes, rlSteps, values }: EpisodeFilter) {
  return {
    environments,
    ...(isAll(episodes) ? {} : { episodes: indexRange(episodes) }),
    ...(isAll(rlSteps) ? {} : { rlSteps: indexRange(rlSteps) }),
    metricRanges: isAll(values) ? [] : [metricRange(values)],
  };
}

const isAll = ({ from, to }: Stretch) => from === null && to === null;

function indexRange({ from, to }: Stretch) {
  const whole = (v: number) => BigInt(Math.max(0, Math.floor(v)));
  return { from: whole(from ?? 0), ...(to === null ? {} : { to: whole(to) }) };
}

function metricRange({ from, to }: Stretch): MessageInitShape<typeof MetricRangeSchema> {
  return { metric: 0, ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) };
}

/** A number of each environment and episode, several in one cell where there are too many. */
export interface EpisodeMatrix {
  /** The first environment of each row. */
  environments: string[];
  /** How many environments each row holds. */
  environmentCounts: Float64Array;
  /** The first episode of each column. */
  firstEpisodes: Float64Array;
  lastEpisode: number;
  means: Float64Array;
  /** Empty where each cell holds one episode. */
  minima: Float64Array;
  maxima: Float64Array;
}

/** The matrix of a metric, of all environments or those named, in at most so many rows and columns. */
export async function readMatrix(
  run: ShownRun,
  metric: EpisodeMetric,
  environments: string[],
  size: { rows: number; columns: number },
  signal: AbortSignal,
): Promise<EpisodeMatrix> {
  const answer = await views.getEpisodeMatrix(
    {
      run,
      metric: metricMessage(metric),
      environments,
      maxRows: size.rows,
      maxColumns: size.columns,
      includeInherited: run.inherited,
    },
    { signal },
  );
  return {
    environments: answer.environments,
    environmentCounts: counts(answer.environmentCounts),
    firstEpisodes: counts(answer.firstEpisodes),
    lastEpisode: Number(answer.lastEpisode),
    means: floats(answer.means),
    minima: floats(answer.minima),
    maxima: floats(answer.maxima),
  };
}

/** What an axis of a histogram counts by. */
export type HistogramAxis = { metric: number; bins: number } | { length: true; bins: number };

/** Bins of episodes, and how many there are in all. */
export interface EpisodeHistogram extends EpisodeBins {
  counts: Float64Array;
  total: number;
  notFinite: number;
}

/** How the episodes that a filter selects are spread over one or two numbers. */
export async function readHistogram(
  run: ShownRun,
  metrics: EpisodeMetric[],
  filter: EpisodeFilter,
  x: HistogramAxis,
  y: HistogramAxis | null,
  signal: AbortSignal,
): Promise<EpisodeHistogram> {
  const answer = await views.getEpisodeHistogram(
    {
      run,
      metrics: metrics.map(metricMessage),
      ...filterMessage(filter),
      x: axisMessage(x),
      ...(y ? { y: axisMessage(y) } : {}),
      includeInherited: run.inherited,
    },
    { signal },
  );
  return histogramOf(answer);
}

function histogramOf(answer: GetEpisodeHistogramResponse): EpisodeHistogram {
  return {
    firstX: answer.firstX,
    lastX: answer.lastX,
    columns: answer.xBins,
    firstY: answer.firstY,
    lastY: answer.lastY,
    rows: answer.yBins,
    counts: counts(answer.counts),
    total: Number(answer.totalCount),
    notFinite: Number(answer.notFiniteCount),
  };
}

/** Along what the values of episodes are summed up. */
export const DENSITY_AXES = {
  update: EpisodeColumn.LAST_RL_STEP,
  total: EpisodeColumn.TOTAL_ENV_STEPS,
} as const;
export type DensityAxis = keyof typeof DENSITY_AXES;

/** How the values of episodes are spread along an axis, and what they come to at each of its bins. */
export interface EpisodeDensity extends EpisodeHistogram {
  /** Whether bins hold whole numbers. */
  xWhole: boolean;
  yWhole: boolean;
  /** How many episodes have values that are too far away for the bins. */
  beyond: number;
  iqm: Float64Array;
  /** The 10th and the 90th percentile. */
  low: Float64Array;
  high: Float64Array;
}

/** What a density is asked by. */
export interface DensityQuestion {
  metric: QueriedMetric;
  axis: DensityAxis;
  /** A stretch of the axis; null: all. */
  range: Range | null;
  columns: number;
  rows: number;
}

/** The values that episodes have of a metric of EPISODE scale. */
export async function readDensity(
  run: ShownRun,
  { metric, axis, range, columns, rows }: DensityQuestion,
  signal: AbortSignal,
): Promise<EpisodeDensity> {
  const answer = await views.getEpisodeHistogram(
    {
      run,
      includeInherited: run.inherited,
      metrics: [{ seriesQuery: queryFor(metric), reduction: Reduction.LAST }],
      x: { column: DENSITY_AXES[axis], bins: columns, whole: true, ...range },
      y: { column: EpisodeColumn.METRIC, metric: 0, bins: rows, whole: true, robust: true },
      estimators: [Estimator.IQM],
      percentiles: [10, 90],
    },
    { signal },
  );
  const column = (bytes: Uint8Array | undefined) => floats(bytes ?? new Uint8Array());
  return {
    ...histogramOf(answer),
    xWhole: answer.xWhole,
    yWhole: answer.yWhole,
    beyond: Number(answer.beyondCount),
    iqm: column(answer.estimators[0]?.values),
    low: column(answer.percentiles[0]?.values),
    high: column(answer.percentiles[1]?.values),
  };
}

function axisMessage(
  axis: HistogramAxis,
): NonNullable<MessageInitShape<typeof GetEpisodeHistogramRequestSchema>["x"]> {
  return "metric" in axis
    ? { column: EpisodeColumn.METRIC, metric: axis.metric, bins: axis.bins }
    : { column: EpisodeColumn.ENV_STEPS, bins: axis.bins };
}
