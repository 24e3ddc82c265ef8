import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { differs } from "../lib/baseline";
import { exactText } from "../lib/exact_text";
import { lossText, type RunLosses } from "../lib/losses";
import { hrefOf } from "../lib/route";
import { columnNote, columnTitle, formatColumn, type RunColumn } from "../lib/run_columns";
import { type Window, windowOf } from "../lib/windowing";
import type { RunName } from "../server";
import { readLosses } from "../server/health";
import { type ProjectName, type RunRow, readSparklines } from "../server/runs";
import type { RowColour } from "./row_colours";
import { cellValue, RunCell } from "./run_cell";
import { SortHeader } from "./sort_header";
import { Sparkline } from "./sparkline";
import { Swatch } from "./swatch";
import { useWindow, watchScroll } from "./windowed";

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
  selected: ReadonlySet<string>;
  onSelect: (run: string) => void;
  /** The place that the keyboard is at. */
  cursor: ReadonlySignal<number>;
  /** The run that the pointer is on; null: none. */
  pointed: Signal<string | null>;
  /** Null where a run has no colour. */
  colourOf: (run: RunRow) => RowColour | null;
  /** The run that others are told apart from. */
  baseline: RunRow | null;
  onSort: (column: string, descending: boolean) => void;
  onBaseline: (run: string) => void;
  onWindow: (from: number, to: number) => void;
}

/** How many of the rows that are seen are asked of at most. */
const MOST_NAMED = 200;

/** How high a row is, in pixels; the stylesheet has it, too. */
const ROW = 44;

/**
 * The runs of a project, of which only the rows that are seen exist, and of many columns only
 * those that are.
 */
export function RunTable(props: Props) {
  const { of, total, rows, selected, sparkline } = props;
  const frame = useRef<HTMLDivElement>(null);
  const across = useColumnWindow(frame, props.columns.length, sparkline !== null);
  const columns = across ? props.columns.slice(across.from, across.to) : props.columns;
  const body = useRef<HTMLTableSectionElement>(null);
  useEffect(() => showPlace(body.current, props.cursor.value), [props.cursor.value]);
  const shown = useWindow(body, ROW, total);
  const places = Array.from({ length: shown.to - shown.from }, (_, i) => shown.from + i);
  props.onWindow(shown.from, shown.to);
  const loaded = places.flatMap((place) => rows.get(place) ?? []);
  const seen = loaded.map((run) => run.name);
  const version = useChanges(rows);
  const curves = useAnswer(
    (signal) =>
      sparkline === null
        ? Promise.resolve(new Map<string, Float64Array>())
        : readSparklines(of, seen.slice(0, MOST_NAMED), sparkline, signal),
    [sparkline, seen.join("\n")],
    version,
  );
  const losses = useAnswer(
    (signal) => readLosses({ ...of, runs: seen.slice(0, MOST_NAMED) }, signal),
    [seen.join("\n")],
    version,
  );
  const first = sparkline === null ? 2 : 3;
  const width = first + columns.length + (across ? 2 : 0);
  return (
    <div class="wide" ref={frame}>
      <table
        class={across ? "runs even" : "runs"}
        style={across ? { width: `${across.width}px` } : {}}
        aria-colcount={across ? first + across.count : undefined}
      >
        {across && <Widths of={across} sparkline={sparkline !== null} />}
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
            {across && <td />}
            {columns.map((column) => (
              <SortHeader
                key={formatColumn(column)}
                title={columnTitle(column)}
                column={formatColumn(column)}
                sort={props.sort}
                descending={props.descending}
                numeric={isNumeric(column, loaded)}
                greatestFirst={column.kind === "summary"}
                note={columnNote(column)}
                onSort={props.onSort}
              />
            ))}
            {across && <td />}
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
                columns={columns}
                spaced={across !== null}
                run={run}
                current={props.cursor.value === place}
                checked={selected.has(run.name)}
                means={curves.value.value?.get(run.name)}
                losses={losses.value.value?.get(run.name)}
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

/** So many columns are as wide as what is in them; of more each is as wide as others. */
const MOST_FITTED = 30;
/** How wide they are then, and what stands before them, in pixels. */
const COLUMN = 150;
const SELECTION = 40;
const NAME = 240;
const CURVE = 140;

/** The columns that are seen, how many there are, and how wide all of the table is. */
interface ColumnWindow extends Window {
  count: number;
  width: number;
}

/** Null where columns are so few that all of them exist. */
function useColumnWindow(
  frame: RefObject<HTMLElement | null>,
  count: number,
  sparkline: boolean,
): ColumnWindow | null {
  const many = count > MOST_FITTED;
  const fixed = SELECTION + NAME + (sparkline ? CURVE : 0);
  const shown = useSignal<Window>({ from: 0, to: 0 });
  useEffect(() => {
    if (!many) return;
    return watchScroll(() => {
      const { scrollLeft = 0, clientWidth = 0 } = frame.current ?? {};
      const next = windowOf(fixed - scrollLeft, clientWidth, COLUMN, count);
      const { from, to } = shown.peek();
      if (next.from !== from || next.to !== to) shown.value = next;
    });
  }, [many, count, fixed]);
  if (!many) return null;
  return { ...shown.value, count, width: fixed + count * COLUMN };
}

function Widths({ of: { from, to, count }, sparkline }: { of: ColumnWindow; sparkline: boolean }) {
  const seen = Array.from({ length: to - from }, () => COLUMN);
  const first = sparkline ? [SELECTION, NAME, CURVE] : [SELECTION, NAME];
  const widths = [...first, from * COLUMN, ...seen, (count - to) * COLUMN];
  return (
    <colgroup>
      {widths.map((width, i) => (
        <col key={i} style={{ width: `${width}px` }} />
      ))}
    </colgroup>
  );
}

/** Whether a column has numbers in the rows that are seen. */
function isNumeric(column: RunColumn, seen: readonly RunRow[]): boolean {
  if (column.kind === "summary") return true;
  return seen.some((run) => typeof cellValue(run, column) === "number");
}

/** How often a value was another one than before. */
function useChanges(value: unknown): number {
  const last = useRef({ value, changes: 0 });
  if (last.current.value !== value) last.current = { value, changes: last.current.changes + 1 };
  return last.current.changes;
}

/** The address of a run, beside the baseline when another run is one. */
export function runHref(of: ProjectName, run: string, baseline: string): string {
  const href = hrefOf({ ...of, run, page: "run" });
  return baseline === "" || baseline === run
    ? href
    : `${href}?baseline=${encodeURIComponent(baseline)}`;
}

/** Scrolls as little as it takes to see the row at a place, which need not exist yet. */
function showPlace(body: HTMLElement | null, place: number): void {
  if (!body || place < 0) return;
  const top = body.getBoundingClientRect().top + place * ROW;
  const below = top + ROW - window.innerHeight;
  if (top < 0) window.scrollBy(0, top - ROW);
  else if (below > 0) window.scrollBy(0, below + ROW);
}

function Filler({ rows, width }: { rows: number; width: number }) {
  if (rows <= 0) return null;
  return (
    <tr class="filler">
      <td colSpan={width} style={{ height: `${rows * ROW}px` }} />
    </tr>
  );
}

/** How many points of a run did not arrive, leading to where that is told. */
function Lost({ of, losses }: { of: RunName; losses: RunLosses }) {
  const { short, long } = lossText(losses);
  return (
    <a class="lost failed" href={hrefOf({ ...of, page: "delivery" })} title={long}>
      {short}
    </a>
  );
}

interface RowProps extends Props {
  run: RunRow;
  /** Whether columns that are not seen have a cell on either side. */
  spaced: boolean;
  current: boolean;
  checked: boolean;
  means: Float64Array | undefined;
  /** What did not arrive; undefined: nothing that is known. */
  losses: RunLosses | undefined;
}

function Row({
  of,
  run,
  columns,
  spaced,
  sparkline,
  onSelect,
  current,
  checked,
  means,
  losses,
  baseline,
  onBaseline,
  pointed,
  colourOf,
}: RowProps) {
  const description = run.attributes.get("sys/description");
  const isBaseline = baseline?.name === run.name;
  const colour = colourOf(run);
  return (
    <tr
      class={current ? "current" : ""}
      data-run={run.name}
      onMouseEnter={() => {
        pointed.value = run.name;
      }}
      onMouseLeave={() => {
        pointed.value = null;
      }}
    >
      <td>
        <input
          type="checkbox"
          aria-label={`Select ${run.name}`}
          checked={checked}
          onChange={() => onSelect(run.name)}
        />
      </td>
      <td class="run-name" title={typeof description === "string" ? description : run.name}>
        {colour && <Swatch {...colour} />}
        <a href={runHref(of, run.name, baseline?.name ?? "")}>{run.name}</a>
        {run.attributes.get("sys/archived") === true && <span class="faint"> archived</span>}
        {losses && <Lost of={{ ...of, run: run.name }} losses={losses} />}
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
      {spaced && <td />}
      {columns.map((column) => {
        const value = cellValue(run, column);
        const unlike = differs(column, run, baseline);
        return (
          <td
            key={formatColumn(column)}
            class={[typeof value === "number" ? "number" : "", unlike ? "differs" : ""].join(" ")}
            title={
              unlike
                ? `${exactText(value) || "none"}, baseline: ${exactText(baseline?.attributes.get(column.kind === "attribute" ? column.path : "")) || "none"}`
                : undefined
            }
          >
            <RunCell run={run} column={column} />
          </td>
        );
      })}
      {spaced && <td />}
    </tr>
  );
}
