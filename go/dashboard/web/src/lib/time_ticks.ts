import { type AxisName, formatX } from "./axis";
import { formatDuration } from "./format";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How far ticks of an axis of milliseconds may lie apart, ascending: round to those who read clocks. */
export const TIME_STEPS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 10, 100, 1000, 10_000].flatMap((n) => [n * DAY, 2 * n * DAY, 5 * n * DAY]),
];

/** About how far ticks of a logarithmic axis lie apart: further, the greater they are. */
export function logStep(x: number): number {
  return Math.min(x, SECOND);
}

/**
 * A tick of an axis, as precise as ticks that lie `step` apart need it to differ. Times of
 * day are UTC.
 */
export function tickLabel(axis: AxisName, x: number, step: number): string {
  if (axis === "relative") return durationLabel(x, step);
  if (axis === "wall") return momentLabel(x, step);
  return formatX(axis, x);
}

function durationLabel(x: number, step: number): string {
  if (step < SECOND) return `${Number((x / SECOND).toFixed(3))} s`;
  return formatDuration(x / SECOND).replace(/ 0 (s|min|h)$/, "");
}

function momentLabel(x: number, step: number): string {
  const iso = new Date(x).toISOString();
  if (step < SECOND) return iso.slice(11, 23);
  if (step < MINUTE) return iso.slice(11, 19);
  if (step < DAY) return iso.slice(5, 16).replace("T", " ");
  return iso.slice(0, 10);
}
