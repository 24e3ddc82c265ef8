import type { SeriesDefinition } from "../gen/metrana_protobuf/common/v1/series_pb";
import type { MetricDefinition } from "../gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { type AxisName, axisOf } from "../lib/axis";
import { counts, floats } from "../lib/columns";
import { labelOf } from "../lib/labels";
import { queryFor } from "../lib/sections";
import type { Range } from "../server";
import { queries, views } from "./clients";

/** One curve in buckets: columns over those that hold finite points, ascending. */
export interface Curve {
  run: string;
  metricName: string;
  /** What tells it from the other series of its metric; often nothing. */
  labels: string;
  xs: Float64Array;
  counts: Float64Array;
  means: Float64Array;
  minima: Float64Array;
  maxima: Float64Array;
  lasts: Float64Array;
  /** xs at which it is not finite. */
  nans: Float64Array;
  infinities: Float64Array;
  negativeInfinities: Float64Array;
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
}

/** The curves of a metric of runs, by run and then by labels. */
export function readCurves(
  names: RunNames,
  { metric, ...question }: CurveQuestion,
  signal: AbortSignal,
): Promise<Curve[]> {
  return readMetricCurves(names, { metrics: [metric], ...question }, signal);
}

/** The curves of several metrics, in buckets of one axis. */
export async function readMetricCurves(
  { workspace, project, runs }: RunNames,
  { metrics, axis, range, buckets }: MetricsQuestion,
  signal: AbortSignal,
): Promise<Curve[]> {
  const answer = await views.bucketSeries(
    {
      workspace,
      project,
      runs: [...runs],
      seriesQueries: metrics.map(queryFor),
      axis: axisOf(axis),
      ...(range ? { range: { from: BigInt(range.from), to: BigInt(range.to) } } : {}),
      buckets,
    },
    { signal },
  );
  return answer.curves.map((c) => ({
    run: c.identity?.run ?? "",
    ...nameOf(c.identity?.series),
    xs: floats(c.xs),
    counts: counts(c.counts),
    means: floats(c.means),
    minima: floats(c.minima),
    maxima: floats(c.maxima),
    lasts: floats(c.lasts),
    nans: floats(c.nanXs),
    infinities: floats(c.infinityXs),
    negativeInfinities: floats(c.negativeInfinityXs),
  }));
}

function nameOf(definition: SeriesDefinition | undefined) {
  if (definition?.kind.case !== "regular") return { metricName: "", labels: "" };
  const { metricName, labels } = definition.kind.value;
  return { metricName, labels: labelOf(labels) };
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
