import { type BucketGrid, placesOf } from "./bucket_grid";
import { quantile } from "./quantile";
import { type Polyline, partWithin } from "./smoothed_part";
import { type Smoothing, smoothed } from "./smoothing";

/** A curve in buckets: columns over those that hold finite points, ascending. */
export interface DrawableCurve {
  run: string;
  /** What tells it from the other series of its metric, as text; often nothing. */
  labels: string;
  labelValues: Readonly<Record<string, string>>;
  /** Null where all points lie at one value of a metric. */
  grid: BucketGrid | null;
  /** Where buckets begin. */
  xs: ArrayLike<number>;
  counts: ArrayLike<number>;
  means: ArrayLike<number>;
  minima: ArrayLike<number>;
  maxima: ArrayLike<number>;
  lasts: ArrayLike<number>;
  /** xs at which it is not finite. */
  nans: ArrayLike<number>;
  infinities: ArrayLike<number>;
  negativeInfinities: ArrayLike<number>;
}

/** A line of a chart: its values at the xs of the chart, null where it has none. */
export interface ChartLine {
  /** What it is drawn of; null of what sums many up. */
  curve: DrawableCurve | null;
  run: string;
  /** By what it is chosen: its run, or its labels where there is one run. */
  key: string;
  label: string;
  values: (number | null)[];
  /** Before smoothing; null when that changes nothing. */
  raw: (number | null)[] | null;
  /** Least and greatest values: the same array where no bucket has several. */
  low: (number | null)[];
  high: (number | null)[];
  nans: number[];
  infinities: number[];
  negativeInfinities: number[];
}

/** How many stretches of a line hold something that is not finite. */
export function notFinite({ nans, infinities, negativeInfinities }: ChartLine): number {
  return nans.length + infinities.length + negativeInfinities.length;
}

/** What a chart draws. */
export interface ChartLines {
  xs: number[];
  lines: ChartLine[];
  points: number;
  /** How many lines there are, when they are summed up to quantiles. */
  summedUp: number | null;
}

/** How lines are made of curves. */
export interface LineStyle {
  value: "mean" | "last";
  smoothing: Smoothing;
}

/** What a zoomed chart smooths: the curves of the whole axis, drawn within a stretch. */
export interface WholeCurves {
  curves: readonly DrawableCurve[];
  range: { from: number; to: number };
}

/** Beyond so many lines a chart shows how they are spread. */
export const MOST_LINES = 200;
/** How many lines at either end are drawn all the same. */
const HIGHLIGHTED = 3;

/**
 * Lays curves out over the xs that any of them has.
 *
 * @param ofRuns Of how many runs curves were asked for; of more than one, lines say theirs.
 * @param whole What is smoothed instead of the curves, so that zooming does not change it.
 */
export function chartLines(
  curves: readonly DrawableCurve[],
  style: LineStyle,
  ofRuns: number,
  whole: WholeCurves | null = null,
): ChartLines {
  const smooth = style.smoothing.amount > 0 ? smoothLines(curves, style, whole) : null;
  const xs = joinedXs([...curves, ...(smooth ?? [])]);
  const layOut = layOutOver(xs);
  const lines = curves.map((curve, i) => {
    return lineOf(curve, style.value, smooth?.[i] ?? null, layOut, ofRuns > 1);
  });
  const points = curves.reduce((sum, c) => sum + total(c.counts), 0);
  if (lines.length <= MOST_LINES) return { xs, lines, points, summedUp: null };
  const shown = [spreadOf(xs.length, lines), ...extremesOf(lines)];
  return { xs, lines: shown, points, summedUp: lines.length };
}

/** The xs of all curves, each once, ascending. Curves of one question mostly have the same. */
function joinedXs(curves: readonly { xs: ArrayLike<number> }[]): number[] {
  const first = curves[0]?.xs ?? [];
  const others = curves.filter(({ xs }) => !isSame(xs, first));
  if (others.length === 0) return Array.from(first);
  const seen = new Set<number>();
  for (const xs of [first, ...others.map((curve) => curve.xs)]) {
    for (let i = 0; i < xs.length; i++) seen.add(xs[i] ?? 0);
  }
  return Array.from(seen).sort((a, b) => a - b);
}

function isSame(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lays a column out over the xs of a chart; null where it has nothing. */
type LayOut = (column: ArrayLike<number | null>, xs: ArrayLike<number>) => (number | null)[];

function layOutOver(all: readonly number[]): LayOut {
  let places: ReadonlyMap<number, number> | null = null;
  return (column, xs) => {
    // Both ascend, and what a curve has is among all: as many are the same ones.
    if (xs.length === all.length) return Array.from(column);
    places ??= new Map(all.map((x, i) => [x, i]));
    const out = new Array<number | null>(all.length).fill(null);
    for (let i = 0; i < xs.length; i++) out[places.get(xs[i] ?? 0) ?? 0] = column[i] ?? null;
    return out;
  };
}

function total(counts: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i] ?? 0;
  return sum;
}

/** Curves smoothed, or where there is a whole axis, the part in view of that smoothed. */
function smoothLines(
  curves: readonly DrawableCurve[],
  style: LineStyle,
  whole: WholeCurves | null,
): Polyline[] {
  if (whole === null) return curves.map((curve) => smoothLine(curve, style));
  const bySeries = new Map(whole.curves.map((curve) => [seriesOf(curve), curve]));
  return curves.map((curve) => {
    const all = smoothLine(bySeries.get(seriesOf(curve)) ?? curve, style);
    return partWithin(all, whole.range, curve.xs);
  });
}

const seriesOf = ({ run, labels }: DrawableCurve) => JSON.stringify([run, labels]);

function smoothLine(curve: DrawableCurve, { value, smoothing }: LineStyle): Polyline {
  const { xs, grid } = curve;
  const values = Array.from(columnOf(curve, value));
  return { xs: Array.from(xs), values: smoothed(values, placesOf(xs, grid), smoothing) };
}

const columnOf = ({ lasts, means }: DrawableCurve, value: LineStyle["value"]) =>
  value === "last" ? lasts : means;

function lineOf(
  curve: DrawableCurve,
  value: LineStyle["value"],
  smooth: Polyline | null,
  layOut: LayOut,
  manyRuns: boolean,
): ChartLine {
  const raw = layOut(columnOf(curve, value), curve.xs);
  const low = layOut(curve.minima, curve.xs);
  return {
    curve,
    run: curve.run,
    key: manyRuns ? curve.run : curve.labels,
    label: [manyRuns ? curve.run : "", curve.labels].filter((part) => part !== "").join(" "),
    values: smooth ? layOut(smooth.values, smooth.xs) : raw,
    raw: smooth ? raw : null,
    low,
    high: isSame(curve.minima, curve.maxima) ? low : layOut(curve.maxima, curve.xs),
    nans: Array.from(curve.nans),
    infinities: Array.from(curve.infinities),
    negativeInfinities: Array.from(curve.negativeInfinities),
  };
}

/** The median of many lines at each x, in a band from the 10th to the 90th percentile. */
function spreadOf(n: number, lines: readonly ChartLine[]): ChartLine {
  const spread: ChartLine = {
    curve: null,
    run: "",
    key: "",
    label: `median of ${lines.length} lines, 10 % to 90 %`,
    values: new Array<number | null>(n).fill(null),
    raw: null,
    low: new Array<number | null>(n).fill(null),
    high: new Array<number | null>(n).fill(null),
    nans: [...new Set(lines.flatMap((line) => line.nans))],
    infinities: [...new Set(lines.flatMap((line) => line.infinities))],
    negativeInfinities: [...new Set(lines.flatMap((line) => line.negativeInfinities))],
  };
  for (let i = 0; i < n; i++) {
    const here: number[] = [];
    for (const line of lines) {
      const value = line.values[i];
      if (typeof value === "number") here.push(value);
    }
    if (here.length === 0) continue;
    here.sort((a, b) => a - b);
    spread.low[i] = quantile(here, 0.1);
    spread.values[i] = quantile(here, 0.5);
    spread.high[i] = quantile(here, 0.9);
  }
  return spread;
}

/** The lines that end highest and lowest, from the highest on, without their envelopes. */
function extremesOf(lines: readonly ChartLine[]): ChartLine[] {
  const ends = lines.flatMap((line) => {
    const end = line.values.findLast((v) => v !== null);
    return end === null || end === undefined ? [] : [{ line, end }];
  });
  ends.sort((a, b) => b.end - a.end);
  const shown = new Set([...ends.slice(0, HIGHLIGHTED), ...ends.slice(-HIGHLIGHTED)]);
  return Array.from(shown, ({ line }) => {
    const none = line.values.map(() => null);
    return { ...line, low: none, high: none };
  });
}
