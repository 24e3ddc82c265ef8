import { useAnswer } from "../ask";
import { namedOneOf } from "../lib/query_text";
import { formatColumn, type RunColumn } from "../lib/run_columns";
import { listRunRows, type ProjectName, type RunRow } from "../server/runs";

/** The run that others are told apart from, on whatever page of the table it is; null: none. */
export function useBaseline(
  of: ProjectName,
  name: string,
  columns: readonly RunColumn[],
): RunRow | null {
  const paths = columns.filter((c) => c.kind === "attribute");
  const question = {
    filter: namedOneOf([name]),
    order: "",
    columns: paths,
    limit: 1,
    offset: 0,
  };
  const answer = useAnswer(
    async (signal) => (name === "" ? null : (await listRunRows(of, question, signal)).rows[0]),
    [of.workspace, of.project, name, paths.map(formatColumn).join(",")],
  );
  const run = answer.value.value ?? null;
  return run?.name === name ? run : null;
}
