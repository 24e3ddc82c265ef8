import type { ValueRange } from "./value_range";

/** How far ticks may lie apart, from a power of ten on. */
function stepsFrom(power: number): number[] {
  const powers = Array.from({ length: 16 - power }, (_, i) => power + i);
  return powers.flatMap((p) => [1, 2, 5].map((m) => Number(`${m}e${p}`)));
}

/** How far ticks of what is counted may lie apart, and ticks of what is not. */
export const WHOLE_STEPS: number[] = stepsFrom(0);
const ANY_STEPS: number[] = stepsFrom(-16);

/** How far ticks may lie apart on an axis of these numbers. */
export function stepsAmong(numbers: ArrayLike<number>): number[] {
  return Array.prototype.every.call(numbers, Number.isInteger) ? WHOLE_STEPS : ANY_STEPS;
}

/**
 * Where ticks of an axis are, about so many: at 1, 2 or 5 times a power of ten; on a
 * logarithmic axis at powers of ten, unless less than two lie in the range.
 *
 * @param least How far they are apart at least; 1 for what is counted.
 */
export function ticksOf(range: ValueRange, log: boolean, most: number, least = 0): number[] {
  return log ? logTicks(range, most) : linearTicks(range, most, least);
}

function linearTicks([low, high]: ValueRange, most: number, least = 0): number[] {
  const rough = Math.max((high - low) / most, least);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); ; i++) {
    const tick = Number((i * step).toPrecision(12));
    if (tick > high) return ticks;
    ticks.push(tick);
  }
}

function logTicks([low, high]: ValueRange, most: number): number[] {
  const from = Math.floor(Math.log10(low));
  const to = Math.ceil(Math.log10(high));
  const every = Math.max(1, Math.ceil((to - from) / most));
  const within = (multiples: number[], step: number) => {
    const ticks = [];
    for (let p = Math.ceil(from / step) * step; p <= to; p += step) {
      ticks.push(...multiples.map((m) => Number(`${m}e${p}`)));
    }
    return ticks.filter((tick) => tick >= low && tick <= high);
  };
  for (const ticks of [within([1], every), within([1, 2, 5], 1)]) {
    if (ticks.length > 1) return ticks;
  }
  return linearTicks([low, high], most);
}
