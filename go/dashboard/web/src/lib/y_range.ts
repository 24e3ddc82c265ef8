import { aired, robustRange, type ValueRange } from "./value_range";

/** What decides over the range of a line's values: see chart_lines.ts. */
interface Drawn {
  values: readonly (number | null)[];
  raw: readonly (number | null)[] | null;
  low: readonly (number | null)[];
  high: readonly (number | null)[];
}

/** How a chart is drawn, see chart_settings.ts. */
interface Wanted {
  band: boolean;
  logY: boolean;
  robust: boolean;
}

/** The lowest and highest y of what a chart draws. */
export function yRange(lines: readonly Drawn[], { band, logY, robust }: Wanted): ValueRange {
  const columns = lines.flatMap(({ values, raw, low, high }) => [
    values,
    ...(raw ? [raw] : []),
    ...(band ? (low === high ? [low] : [low, high]) : []),
  ]);
  const drawable = (v: number | null): v is number => v !== null && (!logY || v > 0);
  const range = robust
    ? robustRange(columns.flatMap((column) => column.filter(drawable)))
    : extremes(columns, drawable);
  return aired(range ?? (logY ? [1, 10] : [0, 1]), logY);
}

function extremes(
  columns: readonly (readonly (number | null)[])[],
  drawable: (v: number | null) => v is number,
): ValueRange | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const column of columns) {
    for (const v of column) {
      if (!drawable(v)) continue;
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  }
  return low > high ? null : [low, high];
}
