/** A value that a chart has drawn, or the mark where a line is not finite. */
export interface DrawnPoint {
  /** Its line, by place. */
  line: number;
  x: number;
  /** NaN, or an infinity, of a mark. */
  value: number;
  /** In pixels. */
  left: number;
  top: number;
}

/** What a chart has drawn, and where, in pixels. */
export interface DrawnLines {
  xs: ArrayLike<number>;
  /** Of each line, its values at the xs; what is no number is a gap. */
  values: readonly ArrayLike<number | null | undefined>[];
  /** Of a line and an x one of each kind at most. */
  marks: readonly DrawnPoint[];
  left: (x: number) => number;
  top: (value: number) => number;
}

function valueAt({ xs, values, left, top }: DrawnLines, line: number, at: number) {
  const [x, value] = [xs[at], values[line]?.[at]];
  if (x === undefined || typeof value !== "number") return [];
  return [{ line, x, value, left: left(x), top: top(value) }];
}

/** The drawn value nearest to a place in pixels, none further away than `reach`. */
export function nearestValue(
  drawn: DrawnLines,
  to: { left: number; top: number },
  reach: number,
): DrawnPoint | null {
  const { xs, values, left } = drawn;
  let nearest: DrawnPoint | null = null;
  let least = reach;
  for (let at = firstWithin(xs, left, to.left - reach); at < xs.length; at++) {
    const across = left(xs[at] ?? 0) - to.left;
    if (across > reach) break;
    for (let line = 0; line < values.length; line++) {
      for (const point of valueAt(drawn, line, at)) {
        const distance = Math.hypot(across, point.top - to.top);
        if (distance > least) continue;
        least = distance;
        nearest = point;
      }
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

/** The mark nearest to a place in pixels, none further away than `reach`. */
export function nearestMark(
  { marks }: DrawnLines,
  to: { left: number; top: number },
  reach: number,
): DrawnPoint | null {
  const away = (mark: DrawnPoint) => Math.hypot(mark.left - to.left, mark.top - to.top);
  const [nearest] = marks.filter((mark) => away(mark) <= reach).sort((a, b) => away(a) - away(b));
  return nearest ?? null;
}

const KINDS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const kindOf = ({ value }: DrawnPoint) => KINDS.findIndex((kind) => Object.is(kind, value));
const inOrder = (a: DrawnPoint, b: DrawnPoint) => a.x - b.x || kindOf(a) - kindOf(b);

/** Values and marks of a line by x; of one x the value comes first. */
function pointsOn(drawn: DrawnLines, line: number): DrawnPoint[] {
  const values = Array.from(drawn.xs, (_, at) => valueAt(drawn, line, at)).flat();
  return [...values, ...drawn.marks.filter((mark) => mark.line === line)].sort(inOrder);
}

function pointsAt(drawn: DrawnLines, line: number, x: number): DrawnPoint[] {
  const at = Array.prototype.indexOf.call(drawn.xs, x);
  const marks = drawn.marks.filter((mark) => mark.line === line && mark.x === x);
  return [...valueAt(drawn, line, at), ...marks];
}

/** The first value or mark of the first line that has any. */
export function firstPoint(drawn: DrawnLines): DrawnPoint | null {
  for (let line = 0; line < drawn.values.length; line++) {
    const [first] = pointsOn(drawn, line);
    if (first) return first;
  }
  return null;
}

/** Where a step to the right (1) or left (-1) leads on a line: to a value or a mark. */
export function pointBeside(drawn: DrawnLines, from: DrawnPoint, step: 1 | -1): DrawnPoint {
  const points = pointsOn(drawn, from.line);
  const next =
    step === 1
      ? points.find((point) => inOrder(point, from) > 0)
      : points.findLast((point) => inOrder(point, from) < 0);
  return next ?? from;
}

/** The line behind another (1), or before it (-1), that has a value or a mark at the same x. */
export function pointOfOtherLine(drawn: DrawnLines, from: DrawnPoint, step: 1 | -1): DrawnPoint {
  const n = drawn.values.length;
  for (let i = 1; i < n; i++) {
    const [point] = pointsAt(drawn, (from.line + step * i + n * i) % n, from.x);
    if (point) return point;
  }
  return from;
}

/** A value or mark as it is drawn now; null when it is not any longer. */
export function drawnNow(drawn: DrawnLines, before: DrawnPoint): DrawnPoint | null {
  const points = pointsAt(drawn, before.line, before.x);
  return points.find((point) => kindOf(point) === kindOf(before)) ?? null;
}
