import { scaleColour } from "./colour_scale";

/** Where the colours of a scale begin and end. */
export interface Limits {
  low: number;
  high: number;
}

/** A rectangle of cells, all four sides included. */
export interface CellRange {
  firstRow: number;
  lastRow: number;
  firstColumn: number;
  lastColumn: number;
}

/** A cell of a grid. */
export interface Cell {
  row: number;
  column: number;
}

/**
 * The limits of the finite values with a part left out at both ends, so that a few
 * outliers do not take all colours; null where there are none.
 */
export function limitsOf(values: ArrayLike<number>, leftOut = 0): Limits | null {
  const finite = Float64Array.from(values).filter(Number.isFinite).sort();
  if (finite.length === 0) return null;
  const skip = Math.floor(leftOut * (finite.length - 1));
  return { low: finite[skip] ?? 0, high: finite[finite.length - 1 - skip] ?? 0 };
}

/** Where a value lies between limits, 0 to 1; the middle where all are equal. */
export function partOf(value: number, { low, high }: Limits): number {
  return high > low ? (value - low) / (high - low) : 0.5;
}

/** Pixels, 4 bytes each, one a cell; cells without a value are transparent. */
export function pixelsOf(values: Float64Array, limits: Limits): Uint8ClampedArray<ArrayBuffer> {
  const table = Array.from({ length: 256 }, (_, i) => scaleColour(i / 255));
  const pixels = new Uint8ClampedArray(4 * values.length);
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) return;
    const part = Math.min(Math.max(partOf(value, limits), 0), 1);
    pixels.set(table[Math.round(part * 255)] ?? [0, 0, 0], 4 * i);
    pixels[4 * i + 3] = 255;
  });
  return pixels;
}

/** The cell at a place, given as parts of the grid's width and height. */
export function cellAt(x: number, y: number, rows: number, columns: number): Cell {
  const within = (part: number, n: number) =>
    Math.min(Math.max(Math.floor(part * n), 0), Math.max(n - 1, 0));
  return { row: within(y, rows), column: within(x, columns) };
}

/** The rectangle that two cells span. */
export function spanOf(a: Cell, b: Cell): CellRange {
  return {
    firstRow: Math.min(a.row, b.row),
    lastRow: Math.max(a.row, b.row),
    firstColumn: Math.min(a.column, b.column),
    lastColumn: Math.max(a.column, b.column),
  };
}

/** The cell that an arrow key leads to; null for any other key. */
export function cellBeside(cell: Cell, key: string, rows: number, columns: number): Cell | null {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
  if (!step) return null;
  return {
    row: Math.min(Math.max(cell.row + (step[0] ?? 0), 0), rows - 1),
    column: Math.min(Math.max(cell.column + (step[1] ?? 0), 0), columns - 1),
  };
}

/** A few places along an axis of n cells to write at, evenly spread, both ends among them. */
export function labelPlaces(n: number, most: number): number[] {
  const count = Math.min(n, Math.max(most, 1));
  if (count <= 1) return n > 0 ? [0] : [];
  const places = Array.from({ length: count }, (_, i) => Math.round((i * (n - 1)) / (count - 1)));
  return [...new Set(places)];
}
