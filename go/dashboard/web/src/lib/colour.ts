import type { RGB } from "./colour_scale";

/** Eight hues that colour-blind eyes tell apart, seen on the grounds of both themes. */
const PALETTE = [
  "#3b7de0",
  "#d9732a",
  "#2a9d74",
  "#c4508f",
  "#8a6fd8",
  "#b08a1e",
  "#3495b3",
  "#d0524f",
];

/** The colour of what has none of its own among others that have. */
export const GREY = "#87909e";

/** How many colours there are. */
export const PALETTE_SIZE = PALETTE.length;

/**
 * The colour of a line by its place among its chart's lines, which are sorted:
 * it stays when points arrive.
 */
export function colourOf(place: number): string {
  return PALETTE[place % PALETTE.length] ?? "#3b7de0";
}

/** The parts of a colour of the palette, 0 to 255. */
export function partsOf(colour: string): RGB {
  const part = (from: number) => Number.parseInt(colour.slice(from, from + 2), 16);
  return [part(1), part(3), part(5)];
}
