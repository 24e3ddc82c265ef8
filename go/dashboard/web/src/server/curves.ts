import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  BucketSeriesOutcome,
  BucketSeriesRequestSchema,
  BucketSeriesResponse,
  CurveBuckets,
} from "../gen/metrana/views/v1/series_buckets_pb";
import type { BucketByMetricResponse } from "../gen/metrana/views/v1/series_by_metric_pb";
import type { SeriesDefinition } from "../gen/metrana_protobuf/common/v1/series_pb";
import type { MetricDefinition } from "../gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { type AxisName, axisOf, joiningAxis } from "../lib/axis";
import type { BucketGrid } from "../lib/bucket_grid";
import type { DrawableCurve } from "../lib/chart_lines";
import { counts, floatColumns } from "../lib/columns";
import { type HeldCurves, heldAfter } from "../lib/held_curves";
import { labelOf } from "../lib/labels";
import { isMetricAxis, type MetricAxis, metricOfAxis } from "../lib/metric_axis";
import { LONGEST_PAUSE, NO_ANSWER, type Outcome, questionWaves } from "../lib/question_waves";
import { queryFor } from "../lib/sections";
import { nextFrame } from "../next_frame";
import { pause } from "../pause";
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

/** What a chart holds of its curves. */
export interface ChartCurves extends HeldCurves<Curve> {
  /** How long the server took for them, in milliseconds; 0 where that is not known. */
  took: number;
}

/** What is held before anything was asked. */
export const NO_CURVES: ChartCurves = { curves: [], cursor: new Uint8Array(), took: 0 };

/**
 * The curves of a metric of runs, by run and then by labels.
 *
 * @param held What was answered last, whatever the question was: of the same one, only what
 *   changed since is sent.
 * @param again Whether it was asked before: then it may travel with what else is asked again,
 *   see `asksInWaves`.
 */
export async function readCurves(
  names: RunNames,
  { metric, ...question }: CurveQuestion,
  held: ChartCurves,
  signal: AbortSignal,
  again = false,
): Promise<ChartCurves> {
  const asked = { metrics: [metric], ...question };
  if (!again || !asksInWaves(question.axis)) return ask(names, asked, held, signal, askAtOnce);
  if (held.took <= SLOW) return ask(names, asked, held, signal, askInWave);
  // It would hold up what else is asked; half of the time the server is left alone.
  await pause(Math.min(held.took, LONGEST_PAUSE), signal);
  return ask(names, asked, held, signal, askAlone);
}

/** Whether curves along an axis are asked in waves when they are asked again, which keep them apart. */
export const asksInWaves = (axis: AxisName) => !isMetricAxis(axis);

/** What takes the server longer is asked alone, in milliseconds. */
const SLOW = 500;

type Request = MessageInitShape<typeof BucketSeriesRequestSchema>;

interface Answered {
  response: BucketSeriesResponse;
  took: number;
}

type Send = (request: Request, signal: AbortSignal) => Promise<Answered>;

/** While a page opens many questions wait for each other, and how long one took says nothing. */
const askAtOnce: Send = async (request, signal) => {
  return { response: await views.bucketSeries(request, { signal }), took: 0 };
};

const askAlone: Send = async (request, signal) => {
  const began = performance.now();
  const response = await views.bucketSeries(request, { signal });
  return { response, took: performance.now() - began };
};

/** So many charts are asked for in one request. */
const MOST_TOGETHER = 20;

/** All charts wait for a wave, but not forever, in milliseconds. */
const LONGEST_WAVE = 60_000;

const askInWave: Send = questionWaves(
  async (requests: Request[], signal) => {
    const options = { signal, timeoutMs: LONGEST_WAVE };
    const { outcomes } = await views.batchBucketSeries({ requests }, options);
    return outcomes.map(outcomeOf);
  },
  nextFrame,
  MOST_TOGETHER,
);

function outcomeOf({ outcome, tookMillis }: BucketSeriesOutcome): Outcome<Answered> {
  if (outcome.case === "response") {
    return { answer: { response: outcome.value, took: tookMillis } };
  }
  return outcome.case === "failure" ? { failure: outcome.value } : NO_ANSWER;
}

/** The curves of several metrics of like scales, in buckets of one axis. */
export async function readMetricCurves(
  names: RunNames,
  question: MetricsQuestion,
  signal: AbortSignal,
): Promise<Curve[]> {
  return (await ask(names, question, NO_CURVES, signal, askAtOnce)).curves;
}

async function ask(
  names: RunNames,
  question: MetricsQuestion,
  held: ChartCurves,
  signal: AbortSignal,
  send: Send,
): Promise<ChartCurves> {
  const { axis, range } = question;
  if (isMetricAxis(axis)) return askByMetric(names, question, axis, held, signal);
  const request = {
    ...requestOf(names, question),
    axis: axisOf(axis),
    ...(range ? { range: { from: BigInt(range.from), to: BigInt(range.to) } } : {}),
    cursor: held.cursor,
    keepsBuckets: true,
  };
  const { response: answer, took } = await send(request, signal);
  const grid = {
    first: answer.firstX,
    last: answer.lastX,
    width: answer.bucketWidth,
    count: answer.bucketCount,
    whole: true,
  };
  const curves = answer.curves.map((curve) => {
    return { kept: curve.keptBuckets, curve: curveOf(curve, grid) };
  });
  const { unchangedRuns, cursor } = answer;
  return { ...heldAfter(held, { curves, cursor, unchangedRuns, grid }, names.runs), took };
}

/** What a question says whatever its axis is. */
function requestOf(
  { workspace, project, runs }: RunNames,
  { metrics, buckets, inherited = false }: MetricsQuestion,
) {
  const seriesQueries = metrics.map(queryFor);
  const includeInherited = inherited;
  return { workspace, project, runs: [...runs], seriesQueries, buckets, includeInherited };
}

/** Points of environments lie at what the metric is at their update. */
async function askByMetric(
  names: RunNames,
  question: MetricsQuestion,
  axis: MetricAxis,
  held: ChartCurves,
  signal: AbortSignal,
): Promise<ChartCurves> {
  const { metrics, range } = question;
  const [first] = metrics;
  if (!first) return NO_CURVES;
  const answer = await views.bucketByMetric(
    {
      ...requestOf(names, question),
      xSeriesQuery: queryFor(metricOfAxis(axis)),
      axis: axisOf(joiningAxis(first)),
      ...(range ? { range } : {}),
      cursor: held.cursor,
    },
    { signal },
  );
  const grid = valueGrid(answer, question.buckets);
  const curves = answer.curves.map((curve) => {
    return { kept: curve.keptBuckets, curve: curveOf(curve, grid) };
  });
  const { unchangedRuns, cursor } = answer;
  return { ...heldAfter(held, { curves, cursor, unchangedRuns, grid }, names.runs), took: 0 };
}

/** How values were cut into buckets; where each has one, distances count in buckets that were asked for. */
function valueGrid(answer: BucketByMetricResponse, asked: number): BucketGrid | null {
  const { firstX: first, lastX: last, bucketWidth, bucketCount } = answer;
  if (bucketWidth > 0) return { first, last, width: bucketWidth, count: bucketCount, whole: false };
  const width = last / asked - first / asked; // the difference itself may be infinite
  return width > 0 ? { first, last, width, count: asked, whole: false, each: true } : null;
}

function curveOf(curve: CurveBuckets, grid: BucketGrid | null): Curve {
  const { metricName, labels: labelValues } = regularOf(curve.identity?.series);
  const [xs, means, minima, maxima, lasts, nans, infinities, negativeInfinities] = floatColumns([
    curve.xs,
    curve.means,
    curve.minima,
    curve.maxima,
    curve.lasts,
    curve.nanXs,
    curve.infinityXs,
    curve.negativeInfinityXs,
  ]);
  return {
    run: curve.identity?.run ?? "",
    metricName,
    labels: labelOf(labelValues),
    labelValues,
    grid,
    xs,
    counts: counts(curve.counts),
    means,
    minima,
    maxima,
    lasts,
    nans,
    infinities,
    negativeInfinities,
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
