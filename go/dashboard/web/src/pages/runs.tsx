import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { useKeys } from "../keys";
import { differingColumns } from "../lib/baseline";
import { formatNames, parseNames } from "../lib/episode_filter";
import { firstColumns, firstSparkline } from "../lib/first_columns";
import { orderText, parseColumn, parseColumns, type RunColumn } from "../lib/run_columns";
import { navigate } from "../location";
import { type Codec, setParams, TEXT, useParam } from "../params";
import { FilterFailure } from "../parts/filter_failure";
import { NoRuns } from "../parts/no_runs";
import { RunActions } from "../parts/run_actions";
import { RunBar } from "../parts/run_bar";
import { useBaseline } from "../parts/run_baseline";
import { RunGroupTable } from "../parts/run_group_table";
import { useRunRows } from "../parts/run_rows";
import { RunTable, runHref } from "../parts/run_table";
import { StaleNote } from "../parts/stale_note";
import { useProjectNews } from "../project_news";
import { listRunColumns, type ProjectName } from "../server/runs";
import "../styles/runs.css";

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
  const question = { filter, order, columns };
  const version = useSignal(0);
  const news = useProjectNews(of).value;
  const rows = useRunRows(of, question, version.value, news.version);
  const { selected, select, toggle } = useSelection();
  const baselineName = useParam("baseline", TEXT).value;
  const baseline = useBaseline(of, baselineName, columns);
  const onlyDiffering = useParam("differing", TEXT).value === "1";
  const known = [...rows.known.value.values()];
  const shown = baseline && onlyDiffering ? differingColumns(columns, known, baseline) : columns;
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
        columns={columns}
        baseline={baseline}
        onlyDiffering={onlyDiffering}
        total={rows.total.value}
      />
      {failure !== null && <FilterFailure message={failure} filter={filter} />}
      <StaleNote failure={news.failure} />
      {selected.length > 0 && (
        <RunActions
          of={of}
          runs={selected}
          onDone={(rest) => {
            select(rest);
            version.value++;
          }}
        />
      )}
      {rows.total.value === 0 && failure === null && rows.asked.value && <NoRuns filter={filter} />}
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
          baseline={baseline}
          onSort={(column, down) => setParams({ sort: column, desc: down ? "" : "0" })}
          onBaseline={(run) => setParams({ baseline: run })}
          onWindow={rows.want}
        />
      ) : (
        <RunGroupTable of={of} question={question} by={group} version={version.value} />
      )}
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
