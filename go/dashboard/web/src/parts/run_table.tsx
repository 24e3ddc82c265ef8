import type { ReadonlySignal, Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { hrefOf } from "../lib/route";
import { columnTitle, formatColumn, type RunColumn } from "../lib/run_columns";
import { type ProjectName, type RunRow, readSparklines } from "../server/runs";
import { cellText, cellValue, RunCell } from "./run_cell";
import { SortHeader } from "./sort_header";
import { Sparkline } from "./sparkline";
import { useWindow } from "./windowed";

interface Props {
  of: ProjectName;
  total: number;
  /** The rows that are known, by place. */
  rows: ReadonlyMap<number, RunRow>;
  columns: readonly RunColumn[];
  /** The series whose small curve stands in each row; null: none. */
  sparkline: string | null;
  sort: string;
  descending: boolean;
  selected: Signal<ReadonlySet<string>>;
  /** The place that the keyboard is at. */
  cursor: ReadonlySignal<number>;
  /** The run that others are told apart from. */
  baseline: RunRow | null;
  onSort: (column: string, descending: boolean) => void;
  onBaseline: (run: string) => void;
  onWindow: (from: number, to: number) => void;
}

/** How high a row is, in pixels; the stylesheet has it, too. */
const ROW = 44;

/** The runs of a project, of which only the rows that are seen exist. */
export function RunTable(props: Props) {
  const { of, total, rows, columns, selected, sparkline } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const shown = useWindow(body, ROW, total);
  const places = Array.from({ length: shown.to - shown.from }, (_, i) => shown.from + i);
  props.onWindow(shown.from, shown.to);
  const seen = places.flatMap((place) => rows.get(place)?.name ?? []);
  const curves = useAnswer(
    (signal) =>
      sparkline === null
        ? Promise.resolve(new Map<string, Float64Array>())
        : readSparklines(of, seen.slice(0, 200), sparkline, signal),
    [sparkline, seen.join("\n")],
  );
  const width = columns.length + (sparkline === null ? 2 : 3);
  return (
    <div class="wide">
      <table class="runs">
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">Selected</span>
            </th>
            <SortHeader
              title="Run"
              column="sys/name"
              sort={props.sort}
              descending={props.descending}
              onSort={props.onSort}
            />
            {sparkline !== null && <th scope="col">{sparkline.replace(/\(.*$/, "")}</th>}
            {columns.map((column) => (
              <SortHeader
                key={formatColumn(column)}
                title={columnTitle(column)}
                column={formatColumn(column)}
                sort={props.sort}
                descending={props.descending}
                numeric={column.kind === "summary"}
                onSort={props.onSort}
              />
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          <Filler rows={shown.from} width={width} />
          {places.map((place) => {
            const run = rows.get(place);
            return run ? (
              <Row
                key={run.name}
                {...props}
                run={run}
                current={props.cursor.value === place}
                checked={selected.value.has(run.name)}
                means={curves.value.value?.get(run.name)}
              />
            ) : (
              <tr key={place}>
                <td colSpan={width} class="faint">
                  Loading…
                </td>
              </tr>
            );
          })}
          <Filler rows={total - shown.to} width={width} />
        </tbody>
      </table>
    </div>
  );
}

function Filler({ rows, width }: { rows: number; width: number }) {
  if (rows <= 0) return null;
  return (
    <tr class="filler">
      <td colSpan={width} style={{ height: `${rows * ROW}px` }} />
    </tr>
  );
}

interface RowProps extends Props {
  run: RunRow;
  current: boolean;
  checked: boolean;
  means: Float64Array | undefined;
}

function Row({
  of,
  run,
  columns,
  sparkline,
  selected,
  current,
  checked,
  means,
  baseline,
  onBaseline,
}: RowProps) {
  const description = run.attributes.get("sys/description");
  const isBaseline = baseline?.name === run.name;
  return (
    <tr class={current ? "current" : ""} data-run={run.name}>
      <td>
        <input
          type="checkbox"
          aria-label={`Select ${run.name}`}
          checked={checked}
          onChange={() => {
            const next = new Set(selected.value);
            if (!next.delete(run.name)) next.add(run.name);
            selected.value = next;
          }}
        />
      </td>
      <td class="run-name" title={typeof description === "string" ? description : run.name}>
        <a href={hrefOf({ ...of, run: run.name, page: "run" })}>{run.name}</a>
        {run.attributes.get("sys/archived") === true && <span class="faint"> archived</span>}
        <button
          type="button"
          class="pin"
          aria-pressed={isBaseline}
          title="Baseline: cells of other runs that differ from it are marked"
          onClick={() => onBaseline(isBaseline ? "" : run.name)}
        >
          {isBaseline ? "baseline" : "pin"}
        </button>
      </td>
      {sparkline !== null && (
        <td>
          <Sparkline means={means} />
        </td>
      )}
      {columns.map((column) => {
        const value = cellValue(run, column);
        const differs =
          baseline !== null &&
          !isBaseline &&
          column.kind === "attribute" &&
          !column.path.startsWith("sys/") &&
          cellText(value) !== cellText(cellValue(baseline, column));
        return (
          <td
            key={formatColumn(column)}
            class={[typeof value === "number" ? "number" : "", differs ? "differs" : ""].join(" ")}
            title={
              differs
                ? `baseline: ${cellText(baseline && cellValue(baseline, column)) || "none"}`
                : undefined
            }
          >
            <RunCell run={run} column={column} />
          </td>
        );
      })}
    </tr>
  );
}
