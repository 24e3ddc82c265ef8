/**
 * The places of the lines that others pale beside; null where all are alike.
 *
 * @param place The line that is pointed at in the legend; null: none.
 * @param run The run that is pointed at elsewhere, which need not be drawn; null: none.
 */
export function emphasisedLines(
  lines: readonly { run: string }[],
  place: number | null,
  run: string | null,
): ReadonlySet<number> | null {
  if (place !== null) return new Set([place]);
  if (run === null) return null;
  const of = lines.flatMap((line, i) => (line.run === run ? [i] : []));
  return of.length === 0 ? null : new Set(of);
}
