/** The lowest and highest y of a chart. */
export type ValueRange = [number, number];

/** Of the values that a robust range is made from, this much at either end may be left out. */
const TAIL = 0.02;

/**
 * A range in which nearly all values lie: the values between the 2nd and 98th percentiles
 * and as much again at either side, so that a few that are far away do not flatten the
 * rest. Null where there is no value.
 */
export function robustRange(values: readonly number[]): ValueRange | null {
  const finite = values.filter(Number.isFinite).sort((a, b) => a - b);
  const low = finite[Math.floor(TAIL * (finite.length - 1))];
  const high = finite[Math.ceil((1 - TAIL) * (finite.length - 1))];
  if (low === undefined || high === undefined) return null;
  const room = high - low;
  const first = finite[0] ?? low;
  const last = finite[finite.length - 1] ?? high;
  return [Math.max(first, low - room), Math.min(last, high + room)];
}

/** A range with some air; on a logarithmic axis by a factor. */
export function aired([low, high]: ValueRange, log: boolean): ValueRange {
  if (log) return [low / 1.1, high * 1.1];
  const air = high > low ? (high - low) * 0.06 : Math.abs(low) * 0.1 || 1;
  return [low - air, high + air];
}
