import type { BucketGrid } from "./bucket_grid";

/** Columns over the buckets of a curve. */
const COLUMNS = ["xs", "counts", "means", "minima", "maxima", "lasts"] as const;

/** What is looked at of a curve, see chart_lines.ts. */
interface BucketedCurve extends Record<(typeof COLUMNS)[number], ArrayLike<number>> {
  run: string;
  metricName: string;
  labelValues: Readonly<Record<string, string>>;
  grid: BucketGrid | null;
}

/** What a chart holds: curves, and what the next answer goes on from. */
export interface HeldCurves<C> {
  curves: C[];
  /** As the server wrote it; empty at first. */
  cursor: Uint8Array;
}

/** A curve of an answer: the first buckets of its columns are those that are held, so many. */
export interface AnsweredCurve<C> {
  kept: number;
  curve: C;
}

/** An answer, which has all curves of the runs that it does not call unchanged. */
export interface CurveAnswer<C> {
  curves: AnsweredCurve<C>[];
  cursor: Uint8Array;
  unchangedRuns: readonly string[];
  grid: BucketGrid | null;
}

/** The curves after an answer, by run as they were asked for: the same ones if nothing changed. All of them lie on its grid. */
export function heldAfter<C extends BucketedCurve>(
  held: HeldCurves<C>,
  { unchangedRuns, grid, curves, cursor }: CurveAnswer<C>,
  runs: readonly string[],
): HeldCurves<C> {
  const stays = held.curves.every((curve) => isSameGrid(curve.grid, grid));
  if (unchangedRuns.length === runs.length && stays) return { curves: held.curves, cursor };
  const unchanged = new Set(unchangedRuns);
  const byRun = new Map<string, C[]>(runs.map((run) => [run, []]));
  const kept = held.curves.filter((curve) => unchanged.has(curve.run));
  const bySeries = new Map(held.curves.map((curve) => [seriesOf(curve), curve]));
  const whole = curves.map(({ curve, kept }) => {
    return kept > 0 ? { ...curve, ...joined(bySeries.get(seriesOf(curve)), kept, curve) } : curve;
  });
  for (const curve of [...kept, ...whole]) byRun.get(curve.run)?.push({ ...curve, grid });
  return { curves: [...byRun.values()].flat(), cursor };
}

const isSameGrid = (a: BucketGrid | null, b: BucketGrid | null) =>
  JSON.stringify(a) === JSON.stringify(b);

/** What tells a curve from all others. */
function seriesOf({ run, metricName, labelValues }: BucketedCurve): string {
  return JSON.stringify([run, metricName, ...Object.entries(labelValues).sort()]);
}

/** The first buckets of the curve that is held, and those of the answer behind them. */
function joined(
  held: BucketedCurve | undefined,
  kept: number,
  more: BucketedCurve,
): Record<(typeof COLUMNS)[number], Float64Array> {
  const join = (column: (typeof COLUMNS)[number]) => {
    const first = held?.[column] ?? [];
    if (first.length < kept) {
      throw new Error(`${kept} buckets of ${seriesOf(more)} are to be kept of ${first.length}`);
    }
    const whole = new Float64Array(kept + more[column].length);
    for (let i = 0; i < kept; i++) whole[i] = first[i] ?? 0;
    whole.set(more[column], kept);
    return whole;
  };
  return {
    xs: join("xs"),
    counts: join("counts"),
    means: join("means"),
    minima: join("minima"),
    maxima: join("maxima"),
    lasts: join("lasts"),
  };
}
