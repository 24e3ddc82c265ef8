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

/** What a chart has drawn, and where, in pixels. */
export interface DrawnLines {
  xs: ArrayLike<number>;
  /** Of each line, its values at the xs; what is no number is a gap. */
  values: readonly ArrayLike<number | null | undefined>[];
  left: (x: number) => number;
  top: (value: number) => number;
}

/** A place of a chart: of a line among lines, and of an x among xs. */
export interface DrawnPlace {
  line: number;
  at: number;
}

/** The drawn value nearest to a place in pixels, none further away than `reach`. */
export function nearestPlace(
  { xs, values, left, top }: DrawnLines,
  to: { left: number; top: number },
  reach: number,
): DrawnPlace | null {
  let nearest: DrawnPlace | null = null;
  let least = reach;
  for (let at = firstWithin(xs, left, to.left - reach); at < xs.length; at++) {
    const across = left(xs[at] ?? 0) - to.left;
    if (across > reach) break;
    for (let line = 0; line < values.length; line++) {
      const value = values[line]?.[at];
      if (typeof value !== "number") continue;
      const distance = Math.hypot(across, top(value) - to.top);
      if (distance > least) continue;
      least = distance;
      nearest = { line, at };
    }
  }
  return nearest;
}

/** The first of the ascending xs that lies at a pixel or to the right of it. */
function firstWithin(xs: ArrayLike<number>, left: DrawnLines["left"], pixel: number): number {
  let [low, high] = [0, xs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (left(xs[middle] ?? 0) < pixel) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first value of the first line that has any. */
export function firstPlace(values: DrawnLines["values"]): DrawnPlace | null {
  for (let line = 0; line < values.length; line++) {
    const { at } = besidePlace(values, { line, at: -1 }, 1);
    if (at >= 0) return { line, at };
  }
  return null;
}

/** Where a step to the right (1) or left (-1) leads on a line, over its gaps. */
export function besidePlace(
  values: DrawnLines["values"],
  from: DrawnPlace,
  step: 1 | -1,
): DrawnPlace {
  const line = values[from.line];
  for (let at = from.at + step; line && at >= 0 && at < line.length; at += step) {
    if (typeof line[at] === "number") return { ...from, at };
  }
  return from;
}

/** The line behind another (1), or before it (-1), that has a value at the same x. */
export function otherLine(
  values: DrawnLines["values"],
  from: DrawnPlace,
  step: 1 | -1,
): DrawnPlace {
  const n = values.length;
  for (let i = 1; i < n; i++) {
    const line = (from.line + step * i + n * i) % n;
    if (typeof values[line]?.[from.at] === "number") return { ...from, line };
  }
  return from;
}

/** A mark that a chart has drawn where a line is not finite. */
export interface DrawnMark {
  line: number;
  x: number;
  /** NaN, or an infinity. */
  value: number;
  left: number;
  top: number;
}

/** The mark nearest to a place in pixels, none further away than `reach`. */
export function nearestMark(
  marks: readonly DrawnMark[],
  to: { left: number; top: number },
  reach: number,
): DrawnMark | null {
  const away = (mark: DrawnMark) => Math.hypot(mark.left - to.left, mark.top - to.top);
  const [nearest] = marks.filter((mark) => away(mark) <= reach).sort((a, b) => away(a) - away(b));
  return nearest ?? null;
}
