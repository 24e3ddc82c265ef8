import type { BucketGrid } from "./bucket_grid";

/** What a chart holds: curves, and what the next answer goes on from. */
export interface HeldCurves<C> {
  curves: C[];
  /** As the server wrote it; empty at first. */
  cursor: Uint8Array;
}

/** An answer, which holds all curves of the runs that it does not call unchanged. */
export interface CurveAnswer<C> extends HeldCurves<C> {
  unchangedRuns: readonly string[];
  grid: BucketGrid | null;
}

/** The curves after an answer, by run as they were asked for. All of them lie on its grid. */
export function heldAfter<C extends { run: string; grid: BucketGrid | null }>(
  held: HeldCurves<C>,
  { unchangedRuns, grid, curves, cursor }: CurveAnswer<C>,
  runs: readonly string[],
): HeldCurves<C> {
  const unchanged = new Set(unchangedRuns);
  const byRun = new Map<string, C[]>(runs.map((run) => [run, []]));
  const kept = held.curves.filter((curve) => unchanged.has(curve.run));
  for (const curve of [...kept, ...curves]) byRun.get(curve.run)?.push({ ...curve, grid });
  return { curves: [...byRun.values()].flat(), cursor };
}
