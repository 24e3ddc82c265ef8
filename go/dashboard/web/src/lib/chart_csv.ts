import type { DrawableCurve } from "./chart_lines";

/** The buckets of curves as RFC 4180 has tables: a row for each bucket of each curve. */
export function curvesToCsv(metric: string, x: string, curves: readonly DrawableCurve[]): string {
  const rows = [["metric", "run", "labels", x, "count", "mean", "min", "max", "last"].map(cell)];
  for (const c of curves) {
    for (let i = 0; i < c.xs.length; i++) {
      const numbers = [c.xs, c.counts, c.means, c.minima, c.maxima, c.lasts].map((column) =>
        String(column[i]),
      );
      rows.push([...[metric, c.run, c.labels].map(cell), ...numbers]);
    }
  }
  return rows.map((row) => `${row.join(",")}\r\n`).join("");
}

/**
 * A text as a cell. One that a spreadsheet would take for a formula is made a text by an
 * apostrophe: names come from whoever logs.
 */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
