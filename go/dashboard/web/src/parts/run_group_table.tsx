import { useAnswer } from "../ask";
import type { Estimate } from "../lib/confidence";
import { formatNames } from "../lib/episode_filter";
import { exactText } from "../lib/exact_text";
import { namedOneOf } from "../lib/query_text";
import { hrefOf } from "../lib/route";
import { columnNote, columnTitle, formatColumn, type RunColumn } from "../lib/run_columns";
import { groupRuns, summedColumns } from "../lib/run_groups";
import { listRunRows, type ProjectName, type RunRow, type TableQuestion } from "../server/runs";
import { AnswerState } from "./answer_state";
import { cellValue, numberText } from "./run_cell";

/** The most that the server gives at once. */
const PAGE = 1000;
/** How many runs are looked at, at most. */
const MOST = 10_000;

/** Runs that agree in an attribute, with the means of their numbers and 95 % intervals. */
export function RunGroupTable({
  of,
  question,
  by,
  version,
}: {
  of: ProjectName;
  question: TableQuestion;
  by: string;
  version: number;
}) {
  const column: RunColumn = { kind: "attribute", path: by };
  const answer = useAnswer(
    (signal) => readRuns(of, { ...question, columns: [...question.columns, column] }, signal),
    [of.workspace, of.project, JSON.stringify(question), by, version],
  );
  return (
    <AnswerState of={answer.value}>
      {({ rows, total }) => (
        <div class="wide">
          {total > rows.length && (
            <p class="note">
              Of the first {rows.length} of {total} runs.
            </p>
          )}
          <Groups of={of} column={column} rows={rows} columns={question.columns} />
        </div>
      )}
    </AnswerState>
  );
}

/** A mean and half the width of its interval. */
function EstimateText({ estimate, column }: { estimate: Estimate; column: RunColumn }) {
  const { mean, half } = estimate;
  return (
    <>
      {numberText(column, mean)}
      {half !== null && (
        <span class="faint"> ± {numberText(column, Number(half.toPrecision(2)))}</span>
      )}
    </>
  );
}

/** The first runs that a question selects, page by page. */
async function readRuns(
  of: ProjectName,
  question: TableQuestion,
  signal: AbortSignal,
): Promise<{ rows: RunRow[]; total: number }> {
  const rows: RunRow[] = [];
  for (;;) {
    const page = await listRunRows(of, { ...question, limit: PAGE, offset: rows.length }, signal);
    rows.push(...page.rows);
    const { total } = page;
    if (page.rows.length === 0 || rows.length >= Math.min(total, MOST)) return { rows, total };
  }
}

interface GroupsProps {
  of: ProjectName;
  /** What runs are grouped by. */
  column: RunColumn;
  rows: readonly RunRow[];
  columns: readonly RunColumn[];
}

function Groups({ of, column, rows, columns }: GroupsProps) {
  const numeric = summedColumns(columns, column).filter((c) =>
    rows.some((run) => typeof cellValue(run, c) === "number"),
  );
  const groups = groupRuns(
    rows.map((run) => ({
      name: run.name,
      value: exactText(cellValue(run, column)) || "none",
      numbers: numeric.map((c) => {
        const value = cellValue(run, c);
        return typeof value === "number" ? value : null;
      }),
    })),
  );
  const base = hrefOf({ ...of, page: "runs" });
  return (
    <table class="runs">
      <thead>
        <tr>
          <th scope="col">{columnTitle(column)}</th>
          <th scope="col" class="number">
            Runs
          </th>
          {numeric.map((c) => (
            <th key={formatColumn(c)} scope="col" class="number" title={columnNote(c)}>
              {columnTitle(c)}, mean ± 95 % CI
            </th>
          ))}
          <th scope="col" />
        </tr>
      </thead>
      <tbody>
        {groups.map((group) => (
          <tr key={group.value}>
            <th scope="row">{group.value}</th>
            <td class="number">{group.runs.length}</td>
            {group.estimates.map((e, i) => (
              <td key={formatColumn(numeric[i] ?? column)} class="number">
                {e && <EstimateText estimate={e} column={numeric[i] ?? column} />}
              </td>
            ))}
            <td>
              <a href={`${base}?filter=${encodeURIComponent(namedOneOf(group.runs))}`}>Runs</a>{" "}
              <a href={`${base}?screen=charts&runs=${encodeURIComponent(formatNames(group.runs))}`}>
                Charts
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
