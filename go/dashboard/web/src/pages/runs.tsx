import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { useColourBy } from "../colour_by";
import { useKeys } from "../keys";
import { lazyPage } from "../lazy_page";
import { differingColumns } from "../lib/baseline";
import { chartedTitle, chartsSearch, firstNames, firstOfGroups } from "../lib/charted_runs";
import { formatColourBy } from "../lib/colour_by";
import { formatNames, parseNames } from "../lib/episode_filter";
import { firstColumns, firstSparkline } from "../lib/first_columns";
import { PANEL } from "../lib/panel_width";
import { hrefOf } from "../lib/route";
import { orderText, parseColumn, parseColumns, type RunColumn } from "../lib/run_columns";
import type { RunGroup } from "../lib/run_groups";
import { navigate, search } from "../location";
import { type Codec, setParams, TEXT, useParam } from "../params";
import { ChartsSwitch } from "../parts/charts_switch";
import { ColourLegend } from "../parts/colour_legend";
import { FilterFailure } from "../parts/filter_failure";
import { NoRuns } from "../parts/no_runs";
import { tagsOf, useRowColours } from "../parts/row_colours";
import { RunBar } from "../parts/run_bar";
import { useBaseline } from "../parts/run_baseline";
import { type RunRows, useRunRows } from "../parts/run_rows";
import { RunTable, runHref } from "../parts/run_table";
import { StaleNote } from "../parts/stale_note";
import { useProjectNews } from "../project_news";
import { listRunColumns, type ProjectName } from "../server/runs";
import { wideScreen } from "../wide_screen";
import "../styles/runs.css";

// Not all who look at a table want these.
const RunGroupTable = lazyPage(
  async () => (await import("../parts/run_group_table")).RunGroupTable,
);
const RunActions = lazyPage(async () => (await import("../parts/run_actions")).RunActions);
const ChartsPanel = lazyPage(async () => (await import("../parts/charts_panel")).ChartsPanel);

const RUNS: Codec<string[]> = { parse: parseNames, format: formatNames };

/** The runs of a project in a table: filtered, sorted and paged by the server. */
export function RunsPage(of: ProjectName) {
  const known = useAnswer((signal) => listRunColumns(of, signal), [of.workspace, of.project]).value;
  const chosen = parseColumns(useParam("columns", TEXT).value);
  if (chosen === null && known.loading && known.value === null) {
    return (
      <p class="note" role="status">
        Loading…
      </p>
    );
  }
  const { paths, metrics } = known.value ?? { paths: [], metrics: [] };
  return (
    <>
      <h1>{of.project}</h1>
      {known.failure !== null && (
        <p class="note failed" role="alert">
          {known.failure}
        </p>
      )}
      <Runs
        of={of}
        columns={chosen ?? firstColumns(paths, metrics)}
        paths={paths}
        sparkline={firstSparkline(metrics)}
      />
    </>
  );
}

interface RunsProps {
  of: ProjectName;
  columns: RunColumn[];
  paths: readonly string[];
  sparkline: string | null;
}

function Runs({ of, columns, paths, sparkline }: RunsProps) {
  const filter = useParam("filter", TEXT).value;
  const group = useParam("group", TEXT).value;
  const { sort, descending, order } = useOrder();
  const by = useColourBy();
  const question = {
    filter,
    order,
    columns: by ? [...columns, attributeColumn(by.path)] : columns,
  };
  const version = useSignal(0);
  const news = useProjectNews(of).value;
  const rows = useRunRows(of, question, version.value, news.version);
  const { selected, select, toggle } = useSelection();
  const baselineName = useParam("baseline", TEXT).value;
  const baseline = useBaseline(of, baselineName, columns);
  const onlyDiffering = useParam("differing", TEXT).value === "1";
  const known = [...rows.known.value.values()];
  const shown = baseline && onlyDiffering ? differingColumns(columns, known, baseline) : columns;
  const groups = useSignal<readonly RunGroup[]>([]);
  const charts = useCharts(of, rows, group === "" ? null : groups.value, selected);
  const { colours } = charts;
  const tags = useMemo(() => tagsOf(rows.known.value), [rows.known.value]);
  const pointed = useSignal<string | null>(null);
  const cursor = useSignal(-1);
  const input = useRef<HTMLInputElement>(null);
  const move = (by: number) => {
    cursor.value = Math.min(Math.max(cursor.value + by, 0), rows.total.value - 1);
  };
  useKeys({
    "/": () => input.current?.focus(),
    j: () => move(1),
    k: () => move(-1),
    x: () => toggle(rows.known.value.get(cursor.value)?.name),
    Enter: () => {
      const run = rows.known.value.get(cursor.value)?.name;
      if (run !== undefined) navigate(runHref(of, run, baselineName));
    },
  });
  const failure = rows.failure.value;
  return (
    <>
      <RunBar
        of={of}
        input={input}
        filter={filter}
        refused={failure !== null}
        group={group}
        paths={paths}
        tags={tags}
        columns={columns}
        baseline={baseline}
        onlyDiffering={onlyDiffering}
        total={rows.total.value}
      >
        <ChartsSwitch open={charts.width !== null} href={charts.href} />
      </RunBar>
      {by && <ColourLegend by={by} values={colours.values} />}
      {failure !== null && <FilterFailure message={failure} filter={filter} />}
      <StaleNote failure={news.failure} />
      {selected.length > 0 && (
        <RunActions
          of={of}
          runs={selected}
          chartsHref={charts.href}
          onDone={(rest) => {
            select(rest);
            version.value++;
          }}
        />
      )}
      {rows.total.value === 0 && failure === null && rows.asked.value && <NoRuns filter={filter} />}
      <div class={charts.width === null ? undefined : "beside"}>
        <div class="table-side">
          {group === "" ? (
            <RunTable
              of={of}
              total={rows.total.value}
              rows={rows.known.value}
              columns={shown}
              sparkline={sparkline}
              sort={sort || "a:sys%2Fcreation_time"}
              descending={descending}
              selected={new Set(selected)}
              onSelect={toggle}
              cursor={cursor}
              pointed={pointed}
              colourOf={colours.of}
              baseline={baseline}
              onSort={(column, down) => setParams({ sort: column, desc: down ? "" : "0" })}
              onBaseline={(run) => setParams({ baseline: run })}
              onWindow={rows.want}
            />
          ) : (
            <RunGroupTable
              of={of}
              question={{ filter, order, columns }}
              by={group}
              version={version.value}
              colours={by?.tag === null && by.path === group ? colours.values.colours : null}
              onGroups={(shown) => {
                groups.value = shown;
              }}
            />
          )}
        </div>
        {charts.width !== null && (
          <ChartsPanel
            names={{ ...of, runs: charts.runs }}
            title={charts.title}
            hint={selected.length > 0 || group !== "" ? "" : "Select runs to see theirs"}
            width={charts.width}
            href={charts.href}
            pointed={pointed}
          />
        )}
      </div>
    </>
  );
}

/** What the table is sorted by: as the address has it, and as the server is asked. */
function useOrder() {
  const sort = useParam("sort", TEXT).value;
  const descending = useParam("desc", TEXT).value !== "0";
  const by = sort === "sys/name" ? ({ kind: "attribute", path: sort } as const) : parseColumn(sort);
  const order = orderText(by ?? { kind: "attribute", path: "sys/creation_time" }, descending);
  return { sort, descending, order };
}

const attributeColumn = (path: string): RunColumn => ({ kind: "attribute", path });

/**
 * The charts of a table's runs: beside it, where there is a width, or on their page.
 *
 * @param groups What the table has instead of rows; null: it has rows.
 */
function useCharts(
  of: ProjectName,
  rows: RunRows,
  groups: readonly RunGroup[] | null,
  selected: readonly string[],
) {
  const first = useFirst(rows);
  const unselected = groups ? firstOfGroups(groups) : first;
  const runs = selected.length > 0 ? selected : unselected;
  const grouped = groups?.filter((group) => group.runs.some((run) => runs.includes(run))).length;
  const title = chartedTitle(runs.length, selected.length > 0, grouped ?? null);
  const asked = useParam("panel", PANEL).value;
  const width = wideScreen.value ? asked : null;
  const colours = useRowColours(of, rows.known.value, width === null ? [] : runs);
  const query = chartsSearch(runs, formatColourBy(colours.by), search.value);
  return { runs, title, width, colours, href: hrefOf({ page: "runs", ...of }) + query };
}

/** The first runs of the table. */
function useFirst(rows: RunRows): readonly string[] {
  const first = useRef<string[]>([]);
  const known = firstNames(rows.known.value);
  // While the server is asked anew no row is known.
  if (known.length > 0 || rows.total.value === 0) first.current = known;
  return first.current;
}

/** The runs that are selected, by name. */
function useSelection() {
  const selected = useParam("selected", RUNS).value;
  const select = (runs: string[]) => setParams({ selected: formatNames(runs) });
  const toggle = (run: string | undefined) => {
    if (run === undefined) return;
    select(selected.includes(run) ? selected.filter((name) => name !== run) : [...selected, run]);
  };
  return { selected, select, toggle };
}
