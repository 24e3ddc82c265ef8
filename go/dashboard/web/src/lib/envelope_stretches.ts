/** What is looked at of a line, see chart_lines.ts. */
interface Envelope {
  low: readonly (number | null)[];
  high: readonly (number | null)[];
}

/** Which axes are logarithmic. */
interface Logarithmic {
  logX: boolean;
  logY: boolean;
}

/**
 * The buckets of an envelope, by their places among the xs of a chart, in stretches without a gap. Over a
 * place without a bucket an envelope goes on; where all of a bucket lies below a logarithmic axis it has a gap.
 * Nothing of a line lies around it where its ends are the same array.
 */
export function envelopeStretches(
  xs: readonly number[],
  { low, high }: Envelope,
  { logX, logY }: Logarithmic,
): number[][] {
  if (low === high) return [];
  const stretches: number[][] = [];
  let stretch: number[] = [];
  for (const [place, x] of xs.entries()) {
    const top = high[place] ?? null;
    if (top === null || (logX && x <= 0)) continue;
    if (logY && top <= 0) {
      stretch = [];
      continue;
    }
    if (stretch.push(place) === 1) stretches.push(stretch);
  }
  return stretches;
}
