import type { Value } from "../server";
import { exactText } from "./exact_text";
import type { RunColumn } from "./run_columns";

/** What a run has, by the paths of its attributes. */
export interface Described {
  name: string;
  attributes: ReadonlyMap<string, Value>;
}

/** Whether a run and the baseline disagree in a column; what the server says of runs is no setting. */
export function differs(column: RunColumn, run: Described, baseline: Described | null): boolean {
  if (baseline === null || baseline.name === run.name || !isSetting(column)) return false;
  const of = (which: Described) => exactText(which.attributes.get(column.path));
  return of(run) !== of(baseline);
}

/** The columns without those settings in which all runs agree with the baseline. */
export function differingColumns(
  columns: readonly RunColumn[],
  runs: readonly Described[],
  baseline: Described,
): RunColumn[] {
  return columns.filter(
    (column) => !isSetting(column) || runs.some((run) => differs(column, run, baseline)),
  );
}

function isSetting(column: RunColumn): column is RunColumn & { kind: "attribute" } {
  return column.kind === "attribute" && !column.path.startsWith("sys/");
}
