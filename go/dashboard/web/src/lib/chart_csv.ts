import type { DrawableCurve } from "./chart_lines";
import { csvOf } from "./csv";

/** The buckets of curves as a table: a row for each bucket of each curve. */
export function curvesToCsv(metric: string, x: string, curves: readonly DrawableCurve[]): string {
  const head = ["metric", "run", "labels", x, "count", "mean", "min", "max", "last"];
  const rows = curves.flatMap((c) => {
    const columns = [c.xs, c.counts, c.means, c.minima, c.maxima, c.lasts];
    const numbers = (i: number) => columns.map((column) => column[i] ?? Number.NaN);
    return Array.from(c.xs, (_, i) => [metric, c.run, c.labels, ...numbers(i)]);
  });
  return csvOf([head, ...rows]);
}
