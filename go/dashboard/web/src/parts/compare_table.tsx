import { formatCount, formatValue } from "../lib/format";
import type { GroupCurves } from "../server/statistics";
import { NumberTable } from "./number_table";

interface Props {
  label: string;
  axis: string;
  grid: Float64Array;
  groups: readonly GroupCurves[];
}

/** The estimates of groups as a table, as the CSV file has them. */
export function CompareTable({ label, axis, grid, groups }: Props) {
  const banded = groups.some((group) => group.low !== null);
  return (
    <NumberTable
      kind="compare-table"
      label={label}
      head={["Group", axis, "Estimate", ...(banded ? ["Lower", "Upper"] : []), "n"]}
      rows={rowsOf(grid, groups)}
      total={grid.length * groups.length}
      elsewhere="; CSV has all"
    />
  );
}

function* rowsOf(grid: Float64Array, groups: readonly GroupCurves[]) {
  for (const { name, values, low, high, counts } of groups) {
    const numbers = [values, ...(low && high ? [low, high] : [])];
    for (const [i, x] of grid.entries()) {
      yield [
        name,
        formatValue(x),
        ...numbers.map((of) => text(of[i])),
        formatCount(counts[i] ?? 0),
      ];
    }
  }
}

const text = (value = Number.NaN) => (Number.isNaN(value) ? "" : formatValue(value));
