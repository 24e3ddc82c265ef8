/** A curve with its envelope. */
export interface AlignedCurve {
  xs: ArrayLike<number>;
  means: ArrayLike<number>;
  minima: ArrayLike<number>;
  maxima: ArrayLike<number>;
  /** Where it is NaN or infinite. */
  notFinite?: ArrayLike<number>;
}

/** A curve laid out over the xs of a chart; null where it has no point. */
export interface AlignedColumns {
  values: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
}

/** Lays curves out over the xs that any of them has, those where they are not finite among them. */
export function alignCurves(curves: readonly AlignedCurve[]): {
  xs: number[];
  columns: AlignedColumns[];
} {
  const ofCurves = curves.flatMap((c) => [...Array.from(c.xs), ...Array.from(c.notFinite ?? [])]);
  const xs = [...new Set(ofCurves)].sort((a, b) => a - b);
  const places = new Map(xs.map((x, i) => [x, i]));
  const columns = curves.map((curve) => {
    const empty = () => new Array<number | null>(xs.length).fill(null);
    const out = { values: empty(), low: empty(), high: empty() };
    for (let i = 0; i < curve.xs.length; i++) {
      const at = places.get(curve.xs[i] ?? Number.NaN);
      if (at === undefined) continue;
      out.values[at] = curve.means[i] ?? null;
      out.low[at] = curve.minima[i] ?? null;
      out.high[at] = curve.maxima[i] ?? null;
    }
    return out;
  });
  return { xs, columns };
}

/** The value at an x, or at the last x before it that has one. */
export function valueBefore(
  xs: readonly number[],
  values: readonly (number | null)[],
  x: number,
): number | null {
  for (let i = xs.length - 1; i >= 0; i--) {
    const value = values[i];
    if ((xs[i] ?? Number.POSITIVE_INFINITY) <= x && value !== null && value !== undefined) {
      return value;
    }
  }
  return null;
}
