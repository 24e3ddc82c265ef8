import { bucketEnd } from "./bucket_grid";
import type { ChartLine, DrawableCurve } from "./chart_lines";

/** A bucket of a curve that somebody points at. */
export interface ChartPoint {
  curve: DrawableCurve;
  /** The stretch of the axis that it sums up, both ends included. */
  from: number;
  to: number;
  /** Of its finite points. */
  count: number;
  mean: number;
  min: number;
  max: number;
  last: number;
  /** Of which kind of points beside those; null: of the finite ones. */
  notFinite: number | null;
}

/** The bucket of a line at an x; null where it has none, and of what sums many lines up. */
export function pointAt(line: ChartLine, x: number): ChartPoint | null {
  const point = bucketAt(line, x, null);
  return point && point.count > 0 ? point : null;
}

/** The bucket of a line at an x where it has points that are NaN, or infinite. */
export function markAt(line: ChartLine, x: number, notFinite: number): ChartPoint | null {
  return bucketAt(line, x, notFinite);
}

function bucketAt({ curve }: ChartLine, x: number, notFinite: number | null): ChartPoint | null {
  if (curve === null) return null;
  const at = Array.prototype.indexOf.call(curve.xs, x);
  const of = (column: ArrayLike<number>) => column[at] ?? Number.NaN;
  return {
    curve,
    from: x,
    to: bucketEnd(x, curve.grid),
    count: curve.counts[at] ?? 0,
    mean: of(curve.means),
    min: of(curve.minima),
    max: of(curve.maxima),
    last: of(curve.lasts),
    notFinite,
  };
}
