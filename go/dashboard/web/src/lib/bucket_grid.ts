/** How an axis was cut into buckets: bucket i begins at first + i · width, and the first one at the lowest x there is. */
export interface BucketGrid {
  first: number;
  /** The highest x that there is. */
  last: number;
  width: number;
  count: number;
  /** Whether that is rounded down: xs are whole numbers. */
  whole: boolean;
  /** Whether each x has a bucket to itself, which begins at it and is not wide at all. */
  each?: boolean;
}

/** The last x of the bucket that begins at an x; without a grid that x itself. */
export function bucketEnd(x: number, grid: BucketGrid | null): number {
  if (grid === null || grid.each) return x;
  const next = placeOf(x, grid) + 1;
  if (next >= grid.count) return Math.max(x, grid.last);
  return grid.whole ? startOf(next, grid) - 1 : justBelow(startOf(next, grid));
}

/** In which buckets xs lie, if all are as wide; without a grid each is beside the one before. */
export function placesOf(xs: ArrayLike<number>, grid: BucketGrid | null): number[] {
  return Array.from(xs, (x, i) => (grid === null ? i : placeOf(x, grid)));
}

function justBelow(x: number): number {
  return x === 0 ? -Number.MIN_VALUE : x - Math.abs(x) * Number.EPSILON;
}

function startOf(place: number, { first, width, whole }: BucketGrid): number {
  return first + (whole ? Math.floor(place * width) : place * width);
}

/** Which bucket is said to begin at an x; the quotient alone may be off by what it was rounded by. */
function placeOf(x: number, grid: BucketGrid): number {
  const quotient = (x - grid.first) / grid.width;
  const near = Math.round(quotient);
  if (grid.each) return near;
  const begins = [near, near + 1].find((place) => startOf(place, grid) === x);
  return begins ?? (grid.whole ? Math.floor(quotient) : near);
}
