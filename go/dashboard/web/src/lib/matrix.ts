import type { EpisodeMatrix } from "../server/episodes";
import type { Cell, CellRange } from "./cells";
import { formatCount, formatValue } from "./format";

/** The last episode of a column. */
export function lastEpisodeOf(matrix: EpisodeMatrix, column: number): number {
  const next = matrix.firstEpisodes[column + 1];
  return next === undefined ? matrix.lastEpisode : next - 1;
}

/** What a cell holds, in words: environment, episodes and value. */
export function describeCell(matrix: EpisodeMatrix, { row, column }: Cell, title: string): string {
  const at = row * matrix.firstEpisodes.length + column;
  const environment = matrix.environments[row] ?? "";
  const more = (matrix.environmentCounts[row] ?? 1) - 1;
  const [first, last] = [matrix.firstEpisodes[column] ?? 0, lastEpisodeOf(matrix, column)];
  const where = more > 0 ? `${environment} and the ${formatCount(more)} after it` : environment;
  const when =
    last > first
      ? `episodes ${formatCount(first)} to ${formatCount(last)}`
      : `episode ${formatCount(first)}`;
  return `${where}, ${when}: ${valueText(matrix, at, title)}`;
}

function valueText(matrix: EpisodeMatrix, at: number, title: string): string {
  const mean = matrix.means[at] ?? Number.NaN;
  if (Number.isNaN(mean)) return `no finite ${title}`;
  const [low, high] = [matrix.minima[at], matrix.maxima[at]];
  if (low === undefined || high === undefined || low === high) {
    return `${title} ${formatValue(mean)}`;
  }
  return `mean ${title} ${formatValue(mean)}, ${formatValue(low)} to ${formatValue(high)}`;
}

/** The environments of a range of rows, by the ids of all in the matrix in their order. */
export function environmentsOfRows(
  matrix: EpisodeMatrix,
  { firstRow, lastRow }: CellRange,
  ids: readonly string[],
): string[] {
  const sizes = [...matrix.environmentCounts];
  const chosen = sizes.slice(firstRow, lastRow + 1);
  if (chosen.every((n) => n === 1)) return matrix.environments.slice(firstRow, lastRow + 1);
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  const before = sum(sizes.slice(0, firstRow));
  return ids.slice(before, before + sum(chosen));
}
