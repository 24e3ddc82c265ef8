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
  const values: number[] = [];
  for (const line of lines) {
    const drawn = [line.values, line.raw, ...(band ? [line.low, line.high] : [])];
    for (const column of drawn) {
      for (const v of column ?? []) if (v !== null && (!logY || v > 0)) values.push(v);
    }
  }
  const range = robust ? robustRange(values) : extremes(values);
  return aired(range ?? (logY ? [1, 10] : [0, 1]), logY);
}

function extremes(values: readonly number[]): ValueRange | null {
  if (values.length === 0) return null;
  return values.reduce<ValueRange>(
    ([low, high], v) => [Math.min(low, v), Math.max(high, v)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}
