import { useSignal } from "@preact/signals";
import { useAnswer } from "../ask";
import {
  columnNote,
  columnTitle,
  formatColumn,
  type RunColumn,
  SUMMARIES,
  type SummaryColumn,
  summaryColumns,
} from "../lib/run_columns";
import { listRunColumns, type ProjectName } from "../server/runs";
import { AnswerState } from "./answer_state";

interface Props {
  of: ProjectName;
  columns: readonly RunColumn[];
  onChange: (columns: RunColumn[]) => void;
}

/** How many names a list offers; searching finds the others. */
const OFFERED = 60;

/** The columns of the table to choose from: attributes, and what series came to. */
export function ColumnChoices({ of, columns, onChange }: Props) {
  const search = useSignal("");
  const func = useSignal<string>("last");
  const known = useAnswer((signal) => listRunColumns(of, signal), [of.workspace, of.project]);
  const chosen = new Set(columns.map(formatColumn));
  const toggle = (column: RunColumn) => {
    const text = formatColumn(column);
    onChange(
      chosen.has(text) ? columns.filter((c) => formatColumn(c) !== text) : [...columns, column],
    );
  };
  const matches = (text: string) => text.toLowerCase().includes(search.value.toLowerCase());
  const choice = (column: RunColumn, title: string) => (
    <label key={formatColumn(column)} title={columnNote(column)}>
      <input
        type="checkbox"
        checked={chosen.has(formatColumn(column))}
        onChange={() => toggle(column)}
      />
      {title}
    </label>
  );
  return (
    <>
      <input
        type="search"
        aria-label="Find columns"
        placeholder="Find columns"
        value={search.value}
        onInput={(event) => {
          search.value = event.currentTarget.value;
        }}
      />
      <p class="faint">Shown</p>
      {columns.map((column) => choice(column, columnTitle(column)))}
      <AnswerState of={known.value}>
        {({ paths, metrics }) => (
          <>
            <p class="faint">Attributes</p>
            {paths
              .filter(matches)
              .slice(0, OFFERED)
              .map((path) => choice({ kind: "attribute", path }, path))}
            <p class="faint">
              Metrics, their{" "}
              <select
                aria-label="What of the metric"
                value={func.value}
                onChange={(event) => {
                  func.value = event.currentTarget.value;
                }}
              >
                {SUMMARIES.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </p>
            {metrics
              .filter((m) => matches(m.metricName))
              .slice(0, OFFERED)
              .flatMap((m) => summaryColumns(m, func.value))
              .map((column) => choice(column, metricText(column)))}
          </>
        )}
      </AnswerState>
    </>
  );
}

/** A metric as the list of all offers it. */
function metricText({ metric, scale, only }: SummaryColumn): string {
  const details = scale === "ML_STEP" ? [] : [scale.toLowerCase().replaceAll("_", " ")];
  if (only === "evaluation") details.push(only);
  return details.length === 0 ? metric : `${metric} (${details.join(", ")})`;
}
