/** A line: its values at ascending xs. */
export interface Polyline {
  xs: number[];
  values: (number | null)[];
}

/**
 * The part of a line within a stretch, with one point on either side, so that it reaches
 * the edges, and with points of the same line at other xs.
 */
export function partWithin(
  whole: Polyline,
  { from, to }: { from: number; to: number },
  others: ArrayLike<number>,
): Polyline {
  const after = whole.xs.findIndex((x) => x > to);
  const first = Math.max(
    whole.xs.findLastIndex((x) => x < from),
    0,
  );
  const own = whole.xs.slice(first, after < 0 ? whole.xs.length : after + 1);
  const xs = [...new Set([...own, ...Array.from(others)])].sort((a, b) => a - b);
  return { xs, values: valuesAt(whole, xs) };
}

/** Values of a line at ascending xs; before its first and behind its last point it is level. */
function valuesAt({ xs, values }: Polyline, at: readonly number[]): (number | null)[] {
  let right = 0;
  return at.map((x) => {
    while (right < xs.length - 1 && (xs[right] ?? 0) < x) right++;
    const [x1, y1] = [xs[right] ?? 0, values[right] ?? null];
    const [x0, y0] = [xs[right - 1] ?? x1, values[right - 1] ?? y1];
    if (x >= x1 || x0 === x1 || y0 === null || y1 === null) return y1;
    return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
  });
}
