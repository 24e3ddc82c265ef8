import { type AxisName, isCount, isTime } from "./axis";
import { ticksOf } from "./ticks";
import { logStep, TIME_STEPS, tickLabel } from "./time_ticks";
import type { ValueRange } from "./value_range";

/** A place on an axis, and what is written there. */
export interface AxisTick {
  at: number;
  label: string;
}

/** How much room a tick of an axis needs, in pixels. */
export function tickSpace(axis: AxisName): number {
  return isTime(axis) ? 90 : 60;
}

/** The ticks of an axis that is so many pixels wide. */
export function axisTicks(
  axis: AxisName,
  range: ValueRange,
  log: boolean,
  pixels: number,
): AxisTick[] {
  const most = Math.max(1, Math.floor(pixels / tickSpace(axis)));
  if (isTime(axis) && !log) return timeTicks(axis, range, most);
  return ticksOf(range, log, most, isCount(axis) ? 1 : 0).map((at) => ({
    at,
    label: tickLabel(axis, at, logStep(at)),
  }));
}

function timeTicks(axis: AxisName, [low, high]: ValueRange, most: number): AxisTick[] {
  const step = TIME_STEPS.find((s) => (high - low) / s <= most) ?? TIME_STEPS.at(-1) ?? 1;
  const ticks: AxisTick[] = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) {
    ticks.push({ at, label: tickLabel(axis, at, step) });
  }
  return ticks;
}
