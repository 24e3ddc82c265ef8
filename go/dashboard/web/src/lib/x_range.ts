import type { ValueRange } from "./value_range";

/** What decides how much of an axis a chart shows. */
interface Wanted {
  /** The stretch that is zoomed in on; null: all. */
  range: { from: number; to: number } | null;
  log: boolean;
  /** Whether xs are milliseconds. */
  time: boolean;
}

/** How far an axis reaches to either side of a single x: one step, or a second. */
const AROUND_STEP = 1;
const AROUND_MOMENT = 1000;

/**
 * The lowest and highest x of a chart: what is zoomed in on and not what lies in it,
 * otherwise from the first x to the last, ascending. A single x has a little on either side.
 */
export function xRange(xs: readonly number[], { range, log, time }: Wanted): ValueRange {
  const first = log ? xs.find((x) => x > 0) : xs[0];
  let [from, to] = range ? [range.from, range.to] : [first ?? 0, xs.at(-1) ?? 1];
  if (log && from <= 0) from = Math.min(1, first ?? 1);
  if (to > from) return [from, to];
  if (log) return [from / 2, from * 2];
  const around = time ? AROUND_MOMENT : AROUND_STEP;
  return [from < 0 ? from - around : Math.max(0, from - around), from + around];
}
