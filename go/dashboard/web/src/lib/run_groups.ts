import { type Estimate, estimate } from "./confidence";
import { isSeed } from "./groups";
import { formatColumn, type RunColumn } from "./run_columns";

/** What a group has of a run: its name and the numbers of its columns. */
export interface GroupedRun {
  name: string;
  /** What it is grouped by. */
  value: string;
  numbers: readonly (number | null)[];
}

/** Runs that agree, with the means of their numbers. */
export interface RunGroup {
  value: string;
  runs: string[];
  estimates: (Estimate | null)[];
}

/** Groups runs by their value, in the order of their first runs. */
export function groupRuns(runs: readonly GroupedRun[]): RunGroup[] {
  const groups = new Map<string, GroupedRun[]>();
  for (const run of runs) {
    const members = groups.get(run.value);
    if (members) members.push(run);
    else groups.set(run.value, [run]);
  }
  return [...groups].map(([value, members]) => ({
    value,
    runs: members.map((run) => run.name),
    estimates: (members[0]?.numbers ?? []).map((_, column) =>
      estimate(members.flatMap((run) => run.numbers[column] ?? []).filter(Number.isFinite)),
    ),
  }));
}

/** The columns whose numbers a group is summed up by: not what it agrees in, and no seeds. */
export function summedColumns(columns: readonly RunColumn[], by: RunColumn): RunColumn[] {
  return columns.filter(
    (c) => formatColumn(c) !== formatColumn(by) && !(c.kind === "attribute" && isSeed(c.path)),
  );
}
