/** Milliseconds to wait before a stream is opened again, by how often that failed in a row. */
export function pauseAfter(failures: number): number {
  return 500 * 2 ** Math.min(Math.max(failures - 1, 0), 5);
}
