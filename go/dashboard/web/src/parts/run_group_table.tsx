import { useEffect } from "preact/hooks";
import { useAnswer } from "../ask";
import { useColourBy } from "../colour_by";
import { chartsSearch } from "../lib/charted_runs";
import { formatColourBy } from "../lib/colour_by";
import type { Estimate } from "../lib/confidence";
import { exactText } from "../lib/exact_text";
import { namedOneOf } from "../lib/query_text";
import { hrefOf } from "../lib/route";
import { columnNote, columnTitle, formatColumn, type RunColumn } from "../lib/run_columns";
import { groupRuns, type RunGroup, summedColumns } from "../lib/run_groups";
import { colourOfValue, type ValueColours } from "../lib/value_colours";
import { search } from "../location";
import { listAllRunRows, type ProjectName, type RunRow, type TableQuestion } from "../server/runs";
import { AnswerState } from "./answer_state";
import { cellValue, numberText } from "./run_cell";
import { Swatch } from "./swatch";

/** Runs that agree in an attribute, with the means of their numbers and 95 % intervals. */
export function RunGroupTable({
  of,
  question,
  by,
  version,
  colours,
  onGroups,
}: {
  of: ProjectName;
  question: TableQuestion;
  by: string;
  version: number;
  /** The colours that groups have; null: none. */
  colours: ValueColours | null;
  /** Told of the groups that are shown. */
  onGroups: (groups: readonly RunGroup[]) => void;
}) {
  const column: RunColumn = { kind: "attribute", path: by };
  const answer = useAnswer(
    (signal) => listAllRunRows(of, { ...question, columns: [...question.columns, column] }, signal),
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
          <Groups
            of={of}
            column={column}
            rows={rows}
            columns={question.columns}
            colours={colours}
            onGroups={onGroups}
          />
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

interface GroupsProps {
  of: ProjectName;
  /** What runs are grouped by. */
  column: RunColumn;
  rows: readonly RunRow[];
  columns: readonly RunColumn[];
  colours: ValueColours | null;
  onGroups: (groups: readonly RunGroup[]) => void;
}

function Groups({ of, column, rows, columns, colours, onGroups }: GroupsProps) {
  const numeric = summedColumns(columns, column).filter((c) =>
    rows.some((run) => typeof cellValue(run, c) === "number"),
  );
  const groups = groupRuns(
    rows.map((run) => ({
      name: run.name,
      value: exactText(cellValue(run, column)),
      numbers: numeric.map((c) => {
        const value = cellValue(run, c);
        return typeof value === "number" ? value : null;
      }),
    })),
  );
  useEffect(() => onGroups(groups), [rows]);
  const colour = formatColourBy(useColourBy());
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
            <th scope="row">
              {colours && <Swatch colour={colourOfValue(colours, group.value)} />}
              {group.value || "none"}
            </th>
            <td class="number">{group.runs.length}</td>
            {group.estimates.map((e, i) => (
              <td key={formatColumn(numeric[i] ?? column)} class="number">
                {e && <EstimateText estimate={e} column={numeric[i] ?? column} />}
              </td>
            ))}
            <td>
              <a href={`${base}?filter=${encodeURIComponent(namedOneOf(group.runs))}`}>Runs</a>{" "}
              <a href={base + chartsSearch(group.runs, colour, search.value)}>Charts</a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
