import type { BucketByMetricResponse } from "../gen/metrana/views/v1/series_by_metric_pb";
import { type AxisName, axisOf, joiningAxis } from "../lib/axis";
import type { LoggedPoint } from "../lib/logged_point";
import { lowestThat } from "../lib/lowest_that";
import { isMetricAxis, type MetricAxis, metricOfAxis } from "../lib/metric_axis";
import { queryFor } from "../lib/sections";
import { views } from "./clients";
import { findPoint, has, isOf, type SeenPoint } from "./points";

/** Where a value was seen, whatever its chart goes along. */
export type SeenAlong = Omit<SeenPoint, "axis"> & { axis: AxisName };

/**
 * Finds out what a point is known by, as findPoint does. One that lies at a metric's value is
 * looked for at the step, or update, by which it was put there.
 */
export async function findPointAlong(
  { axis, ...seen }: SeenAlong,
  signal: AbortSignal,
): Promise<LoggedPoint> {
  if (!isMetricAxis(axis)) return findPoint({ ...seen, axis }, signal);
  const step = await stepOf({ ...seen, axis }, signal);
  const point = { ...seen.point, from: step, to: step };
  return findPoint({ ...seen, axis: joiningAxis(seen.metric), point }, signal);
}

/** The first step at which a point of the bucket has the value. */
async function stepOf(
  seen: SeenAlong & { axis: MetricAxis },
  signal: AbortSignal,
): Promise<number> {
  const { run, metric, inherited, point, value } = seen;
  const all = await views.bucketSeries(
    {
      ...projectOf(run),
      runs: [run.run],
      seriesQueries: [queryFor(metric)],
      axis: axisOf(joiningAxis(metric)),
      buckets: 1,
      includeInherited: inherited,
    },
    { signal },
  );
  return lowestThat(all.firstX, all.lastX, async (upTo) => {
    const { curves } = await readUpTo(seen, upTo, signal);
    return curves.some((c) => isOf({ definition: c.identity?.series }, point) && has(c, value));
  });
}

/** The points of the bucket at steps up to one, as a single bucket. */
function readUpTo(
  { run, metric, axis, inherited, point }: SeenAlong & { axis: MetricAxis },
  step: number,
  signal: AbortSignal,
): Promise<BucketByMetricResponse> {
  return views.bucketByMetric(
    {
      ...projectOf(run),
      runs: [run.run],
      seriesQueries: [queryFor(metric)],
      xSeriesQuery: queryFor(metricOfAxis(axis)),
      axis: axisOf(joiningAxis(metric)),
      range: { from: point.from, to: point.to },
      steps: { to: BigInt(step) },
      buckets: 1,
      includeInherited: inherited,
    },
    { signal },
  );
}

const projectOf = ({ workspace, project }: SeenPoint["run"]) => ({ workspace, project });
