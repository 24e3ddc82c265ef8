/**
 * Viridis at ten places: its lightness rises evenly, also for eyes that see fewer
 * colours and in print without any.
 */
const STOPS = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 73, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [110, 206, 88],
  [181, 222, 43],
  [253, 231, 37],
] as const;

export type RGB = [number, number, number];

/** The colour at a part of the scale, from 0 to 1; beyond its ends those. */
export function scaleColour(part: number): RGB {
  const at = Math.min(Math.max(part, 0), 1) * (STOPS.length - 1);
  const i = Math.min(Math.floor(at), STOPS.length - 2);
  const [low, high] = [STOPS[i] ?? STOPS[0], STOPS[i + 1] ?? STOPS[0]];
  return [mix(low[0], high[0], at - i), mix(low[1], high[1], at - i), mix(low[2], high[2], at - i)];
}

function mix(a: number, b: number, part: number): number {
  return Math.round(a + (b - a) * part);
}

/** The scale as a CSS gradient, left to right. */
export const SCALE_GRADIENT = `linear-gradient(to right, ${STOPS.map((c) => `rgb(${c.join(" ")})`).join(", ")})`;
