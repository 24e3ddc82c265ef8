/** A row of the workspace: the title of a section, or charts side by side. */
export type ChartRow<T> = { top: number; height: number } & (
  | { kind: "title"; section: string; count: number }
  | { kind: "charts"; section: string; items: T[] }
);

/** A section of the workspace. */
export interface RowSection<T> {
  name: string;
  items: T[];
}

/** How high rows are, in pixels. */
export interface RowHeights {
  title: number;
  charts: number;
}

/** Lays sections out in rows of so many charts; a closed section has its title only. */
export function layRows<T>(
  sections: readonly RowSection<T>[],
  columns: number,
  closed: ReadonlySet<string>,
  heights: RowHeights,
): ChartRow<T>[] {
  const rows: ChartRow<T>[] = [];
  let top = 0;
  for (const { name, items } of sections) {
    rows.push({ kind: "title", top, height: heights.title, section: name, count: items.length });
    top += heights.title;
    if (closed.has(name)) continue;
    for (let from = 0; from < items.length; from += columns) {
      const height = heights.charts;
      rows.push({
        kind: "charts",
        top,
        height,
        section: name,
        items: items.slice(from, from + columns),
      });
      top += height;
    }
  }
  return rows;
}

/** How high all rows are together. */
export function heightOf<T>(rows: readonly ChartRow<T>[]): number {
  const last = rows[rows.length - 1];
  return last ? last.top + last.height : 0;
}

/** The rows that meet the stretch from..to. */
export function rowsWithin<T>(
  rows: readonly ChartRow<T>[],
  from: number,
  to: number,
): ChartRow<T>[] {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row && row.top + row.height <= from) low = middle + 1;
    else high = middle;
  }
  const end = rows.findIndex((row, i) => i >= low && row.top >= to);
  return rows.slice(low, end < 0 ? rows.length : end);
}
