import type { Limits } from "./cells";
import type { RGB } from "./colour_scale";

/** How many episodes there are in each bin, row after row from the least y. */
export interface EpisodeBins {
  firstX: number;
  lastX: number;
  columns: number;
  firstY: number;
  lastY: number;
  rows: number;
  counts: ArrayLike<number>;
}

/** Bins of episodes as they are drawn behind lines. */
export interface Density extends EpisodeBins {
  /** Whether bins hold whole numbers and end where the next one begins. */
  xWhole: boolean;
  yWhole: boolean;
}

/** How opaque a bin with a single episode is, and the fullest one. */
const LEAST = 0.16;
const MOST = 0.85;

/**
 * Pixels, 4 bytes each, one a bin, from the top: the more episodes, the more opaque, along
 * logarithms so that single ones are seen beside hundreds. What lies behind shows the theme.
 */
export function densityPixels(density: Density, colour: RGB): Uint8ClampedArray<ArrayBuffer> {
  const { columns, rows, counts } = density;
  const most = fullest(density);
  const pixels = new Uint8ClampedArray(4 * columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const count = counts[(rows - 1 - row) * columns + column] ?? 0;
      const alpha = count === 0 ? 0 : Math.round(255 * opacityOf(count, most));
      pixels.set([...colour, alpha], 4 * (row * columns + column));
    }
  }
  return pixels;
}

/** The greatest number of episodes in a bin. */
export function fullest({ counts }: Density): number {
  let most = 0;
  for (let i = 0; i < counts.length; i++) most = Math.max(most, counts[i] ?? 0);
  return most;
}

function opacityOf(count: number, most: number): number {
  return most === 1 ? MOST : LEAST + (MOST - LEAST) * (Math.log(count) / Math.log(most));
}

/** The middles of bins across: of those that hold one whole number, this number. */
export function binMiddles(density: Density): number[] {
  const { low, high } = drawnXs(density);
  const width = (high - low) / Math.max(density.columns, 1);
  return Array.from({ length: density.columns }, (_, i) => low + (i + 0.5) * width);
}

/** From where to where bins across are drawn. */
export function drawnXs({ firstX, lastX, xWhole }: Density): Limits {
  return drawnLimits(firstX, lastX, xWhole);
}

/** From where to where bins upwards are drawn. */
export function drawnYs({ firstY, lastY, yWhole }: Density): Limits {
  return drawnLimits(firstY, lastY, yWhole);
}

/** Whole numbers lie in the middle of what is drawn of them; one number alone has some room. */
function drawnLimits(first: number, last: number, whole: boolean): Limits {
  if (whole) return { low: first - 0.5, high: last - 0.5 };
  if (last > first) return { low: first, high: last };
  const around = Math.abs(first) * 0.02 || 0.05;
  return { low: first - around, high: first + around };
}
