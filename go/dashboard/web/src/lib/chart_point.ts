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
}

/** The bucket of a line at an x; null where it has none, and of what sums many lines up. */
export function pointAt({ curve }: ChartLine, x: number): ChartPoint | null {
  const at = curve === null ? -1 : Array.prototype.indexOf.call(curve.xs, x);
  if (curve === null || at < 0) return null;
  const of = (column: ArrayLike<number>) => column[at] ?? Number.NaN;
  return {
    curve,
    from: x,
    to: of(curve.ends),
    count: of(curve.counts),
    mean: of(curve.means),
    min: of(curve.minima),
    max: of(curve.maxima),
    last: of(curve.lasts),
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
