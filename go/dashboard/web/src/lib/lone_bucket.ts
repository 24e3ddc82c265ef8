/** What is looked at of a line, see chart_lines.ts. */
interface Envelope {
  low: readonly (number | null)[];
  high: readonly (number | null)[];
}

/** The envelope of a bucket: where it is, and from where to where it reaches. */
export interface LoneBucket {
  x: number;
  low: number;
  high: number;
}

/**
 * The bucket of a line that has only one, with points of several values. A band over a
 * single x has no area, so that it needs to be drawn as an upright stroke.
 */
export function loneBucket(xs: readonly number[], { low, high }: Envelope): LoneBucket | null {
  const place = high.findIndex((v) => v !== null);
  if (place < 0 || high.findLastIndex((v) => v !== null) !== place) return null;
  const [x, from, to] = [xs[place], low[place] ?? null, high[place] ?? null];
  if (x === undefined || from === null || to === null || from === to) return null;
  return { x, low: from, high: to };
}
