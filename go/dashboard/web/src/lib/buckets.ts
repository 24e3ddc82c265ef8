/** One series in buckets: parallel arrays over the buckets that hold finite points. */
export interface BucketedSeries {
  label: string;
  indexes: readonly bigint[];
  means: readonly number[];
  mins: readonly number[];
  maxs: readonly number[];
  counts: readonly bigint[];
  nonFinite: readonly bigint[];
}

/** Series on one axis; bucket i begins at first + floor(i × width). */
export interface Bucketed {
  first: number;
  last: number;
  width: number;
  series: BucketedSeries[];
}

/** A line of a chart: a value, or null, at each x of the chart. */
export interface Line {
  label: string;
  mean: (number | null)[];
  min: (number | null)[];
  max: (number | null)[];
  /** xs at which the series was not finite. */
  marks: number[];
}

/** What a chart draws. */
export interface ChartData {
  xs: number[];
  lines: Line[];
  points: number;
}

/** Where bucket i begins. */
export function startOf(axis: { first: number; width: number }, i: bigint): number {
  return axis.first + Math.floor(Number(i) * axis.width);
}

/** Lays series out over the buckets that any of them fills. */
export function toChart(data: Bucketed): ChartData {
  const filled = new Set<bigint>();
  for (const series of data.series) for (const i of series.indexes) filled.add(i);
  const buckets = [...filled].sort((a, b) => (a < b ? -1 : 1));
  const place = new Map(buckets.map((i, at) => [i, at]));
  const lines = data.series.map((series) => lineOf(data, series, place));
  const points = data.series.flatMap((s) => [...s.counts]).reduce((sum, n) => sum + Number(n), 0);
  return { xs: buckets.map((i) => startOf(data, i)), lines, points };
}

function lineOf(data: Bucketed, series: BucketedSeries, place: Map<bigint, number>): Line {
  const empty = () => new Array<number | null>(place.size).fill(null);
  const line: Line = { label: series.label, mean: empty(), min: empty(), max: empty(), marks: [] };
  series.indexes.forEach((i, k) => {
    const at = place.get(i) ?? 0;
    line.mean[at] = series.means[k] ?? null;
    line.min[at] = series.mins[k] ?? null;
    line.max[at] = series.maxs[k] ?? null;
  });
  line.marks = series.nonFinite.map((i) => startOf(data, i));
  return line;
}

/** How a series is called among those of its metric: by its labels. */
export function labelOf(labels: Record<string, string>): string {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(", ");
}
