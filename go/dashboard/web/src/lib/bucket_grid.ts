/** How an axis was cut into buckets: bucket i begins at first + i · width, rounded down. */
export interface BucketGrid {
  first: number;
  /** The highest x that there is. */
  last: number;
  width: number;
  count: number;
}

/** The last x of the bucket that begins at an x; without a grid that x itself. */
export function bucketEnd(x: number, grid: BucketGrid | null): number {
  if (grid === null) return x;
  const next = placeOf(x, grid) + 1;
  return next < grid.count ? startOf(next, grid) - 1 : Math.max(x, grid.last);
}

/** Which buckets begin at xs; without a grid each is beside the one before. */
export function placesOf(xs: ArrayLike<number>, grid: BucketGrid | null): number[] {
  return Array.from(xs, (x, i) => (grid === null ? i : placeOf(x, grid)));
}

function startOf(place: number, { first, width }: BucketGrid): number {
  return first + Math.floor(place * width);
}

/** Which bucket begins at an x; the quotient alone may be off by what it was rounded by. */
function placeOf(x: number, grid: BucketGrid): number {
  const near = Math.round((x - grid.first) / grid.width);
  return [near, near + 1].find((place) => startOf(place, grid) === x) ?? near;
}
