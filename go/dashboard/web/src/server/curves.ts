import type { CurveBuckets } from "../gen/metrana/views/v1/series_buckets_pb";
import type { SeriesDefinition } from "../gen/metrana_protobuf/common/v1/series_pb";
import type { MetricDefinition } from "../gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { type AxisName, axisOf } from "../lib/axis";
import type { BucketGrid } from "../lib/bucket_grid";
import type { DrawableCurve } from "../lib/chart_lines";
import { counts, floats } from "../lib/columns";
import { labelOf } from "../lib/labels";
import { isMetricAxis, metricOfAxis } from "../lib/metric_axis";
import { queryFor, RL_SCALES } from "../lib/sections";
import type { Range } from "../server";
import { queries, views } from "./clients";

/** One curve of a chart. */
export interface Curve extends DrawableCurve {
  metricName: string;
}

/** Which runs of a project. */
export interface RunNames {
  workspace: string;
  project: string;
  runs: readonly string[];
}

/** What is asked of a metric. */
export interface CurveQuestion extends BucketQuestion {
  metric: { metricName: string; scale: string };
}

/** What is asked of several metrics. */
export interface MetricsQuestion extends BucketQuestion {
  metrics: readonly { metricName: string; scale: string }[];
}

interface BucketQuestion {
  axis: AxisName;
  /** A stretch of the axis; null: all. */
  range: Range | null;
  buckets: number;
  /** Whether forked runs have the points of their parents, too; they do not unless it is said. */
  inherited?: boolean;
}

/** How many buckets a curve has at most. */
export const MOST_BUCKETS = 5000;

/** The curves of a metric of runs, by run and then by labels. */
export function readCurves(
  names: RunNames,
  { metric, ...question }: CurveQuestion,
  signal: AbortSignal,
): Promise<Curve[]> {
  return readMetricCurves(names, { metrics: [metric], ...question }, signal);
}

/** The curves of several metrics of like scales, in buckets of one axis. */
export async function readMetricCurves(
  { workspace, project, runs }: RunNames,
  { metrics, axis, range, buckets, inherited = false }: MetricsQuestion,
  signal: AbortSignal,
): Promise<Curve[]> {
  const asked = {
    workspace,
    project,
    runs: [...runs],
    seriesQueries: metrics.map(queryFor),
    buckets,
    includeInherited: inherited,
  };
  if (isMetricAxis(axis)) {
    const joined = RL_SCALES.includes(metrics[0]?.scale ?? "") ? "update" : "step";
    const answer = await views.bucketByMetric(
      {
        ...asked,
        xSeriesQuery: queryFor(metricOfAxis(axis)),
        axis: axisOf(joined),
        ...(range ? { range } : {}),
      },
      { signal },
    );
    return answer.curves.map((curve) => curveOf(curve, null));
  }
  const answer = await views.bucketSeries(
    {
      ...asked,
      axis: axisOf(axis),
      ...(range ? { range: { from: BigInt(range.from), to: BigInt(range.to) } } : {}),
    },
    { signal },
  );
  const grid = {
    first: answer.firstX,
    last: answer.lastX,
    width: answer.bucketWidth,
    count: answer.bucketCount,
  };
  return answer.curves.map((curve) => curveOf(curve, grid));
}

function curveOf(curve: CurveBuckets, grid: BucketGrid | null): Curve {
  const { metricName, labels: labelValues } = regularOf(curve.identity?.series);
  return {
    run: curve.identity?.run ?? "",
    metricName,
    labels: labelOf(labelValues),
    labelValues,
    grid,
    xs: floats(curve.xs),
    counts: counts(curve.counts),
    means: floats(curve.means),
    minima: floats(curve.minima),
    maxima: floats(curve.maxima),
    lasts: floats(curve.lasts),
    nans: floats(curve.nanXs),
    infinities: floats(curve.infinityXs),
    negativeInfinities: floats(curve.negativeInfinityXs),
  };
}

/** The labels that are part of a series' identity. */
export function labelsOf(definition: SeriesDefinition | undefined): Record<string, string> {
  return regularOf(definition).labels;
}

function regularOf(definition: SeriesDefinition | undefined) {
  return definition?.kind.case === "regular"
    ? definition.kind.value
    : { metricName: "", labels: {} };
}

const DEFINITIONS_PAGE = 10_000n;

/** All metrics of runs, by name and scale. */
export async function listMetricsOf(
  { workspace, project, runs }: RunNames,
  signal: AbortSignal,
): Promise<MetricDefinition[]> {
  const all: MetricDefinition[] = [];
  let token: string | undefined;
  do {
    const answer = await queries.listMetricDefinitions(
      {
        workspace,
        project,
        runNames: [...runs],
        limit: DEFINITIONS_PAGE,
        ...(token === undefined ? {} : { resumeToken: token }),
      },
      { signal },
    );
    all.push(...answer.metricDefinitions);
    token = answer.resumeToken;
  } while (token !== undefined);
  return all;
}
