/** Which rows of a long list are worth drawing, the last one not included. */
export interface Window {
  from: number;
  to: number;
}

/**
 * The rows that are seen, and some above and below.
 *
 * @param top Where the list begins, from the top of what is seen; negative when scrolled past.
 * @param seen The height of what is seen.
 * @param row The height of a row.
 */
export function windowOf(top: number, seen: number, row: number, count: number, more = 2): Window {
  const clamp = (n: number) => Math.min(Math.max(n, 0), count);
  return {
    from: clamp(Math.floor(-top / row) - more),
    to: clamp(Math.ceil((seen - top) / row) + more),
  };
}
