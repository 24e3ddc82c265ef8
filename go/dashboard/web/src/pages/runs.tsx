import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { useAtMostEvery } from "../at_most_every";
import { useKeys } from "../keys";
import { differingColumns } from "../lib/baseline";
import { formatNames, parseNames } from "../lib/episode_filter";
import { formatCount } from "../lib/format";
import { namedOneOf } from "../lib/query_text";
import { overviewOf } from "../lib/rl_overview";
import {
  columnTitle,
  formatColumn,
  orderText,
  parseColumn,
  parseColumns,
  type RunColumn,
} from "../lib/run_columns";
import { queryFor, RL_SCALES } from "../lib/sections";
import { navigate } from "../location";
import { messageOf } from "../message_of";
import { type Codec, setParams, TEXT, useParam } from "../params";
import { ColumnPicker } from "../parts/column_picker";
import { FILTER_EXAMPLES, FilterExamples, FilterFailure } from "../parts/filter_failure";
import { RunActions } from "../parts/run_actions";
import { RunGroupTable } from "../parts/run_group_table";
import { RunTable, runHref } from "../parts/run_table";
import { StaleNote } from "../parts/stale_note";
import { useProjectNews } from "../project_news";
import {
  listProjectMetrics,
  listRunPaths,
  listRunRows,
  type ProjectName,
  type RunRow,
} from "../server/runs";
import "../styles/runs.css";

/** How many rows are asked for at a time. */
const PAGE = 100;
/** How often the rows that are seen are asked for again, at most, in milliseconds. */
const PERIOD = 2000;

const COLUMNS: RunColumn[] = [
  "sys/status",
  "sys/creation_time",
  "sys/running_time_seconds",
  "sys/tags",
].map((path) => ({ kind: "attribute", path }));
/** How many columns of the configuration are shown before anybody chose. */
const CONFIG_COLUMNS = 4;

const RUNS: Codec<string[]> = { parse: parseNames, format: formatNames };

/** The runs of a project in a table: filtered, sorted and paged by the server. */
export function RunsPage(of: ProjectName) {
  const known = useAnswer(
    async (signal) => {
      const [paths, metrics] = await Promise.all([
        listRunPaths(of, signal),
        listProjectMetrics(of, signal),
      ]);
      return { paths, metrics };
    },
    [of.workspace, of.project],
  );
  const chosen = parseColumns(useParam("columns", TEXT).value);
  const { paths, metrics } = known.value.value ?? { paths: [], metrics: [] };
  const key = overviewOf(metrics)[0]?.metrics[0] ?? metrics[0];
  // A run has no one summary of what its environments log.
  const standard = metrics.filter((m) => !RL_SCALES.includes(m.scale));
  const summed = overviewOf(standard)[0]?.metrics[0] ?? standard[0];
  const columns = chosen ?? [
    ...COLUMNS,
    ...paths
      .filter((path) => path.startsWith("config/"))
      .slice(0, CONFIG_COLUMNS)
      .map((path) => ({ kind: "attribute", path }) as const),
    ...(summed
      ? [{ kind: "summary", metric: summed.metricName, scale: summed.scale, func: "last" } as const]
      : []),
  ];
  if (chosen === null && known.value.loading && known.value.value === null) {
    return (
      <p class="note" role="status">
        Loading…
      </p>
    );
  }
  return (
    <>
      <h1>{of.project}</h1>
      {known.value.failure !== null && (
        <p class="note failed" role="alert">
          {known.value.failure}
        </p>
      )}
      <Runs of={of} columns={columns} paths={paths} sparkline={key ? queryFor(key) : null} />
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
  const sort = useParam("sort", TEXT).value;
  const descending = useParam("desc", TEXT).value !== "0";
  const group = useParam("group", TEXT).value;
  const baselineName = useParam("baseline", TEXT).value;
  const by = sort === "sys/name" ? ({ kind: "attribute", path: sort } as const) : parseColumn(sort);
  const order = orderText(by ?? { kind: "attribute", path: "sys/creation_time" }, descending);
  const question = { filter, order, columns };
  const version = useSignal(0);
  const news = useProjectNews(of).value;
  const rows = useRows(of, question, version.value, useAtMostEvery(news.version, PERIOD));
  const selected = useParam("selected", RUNS).value;
  const select = (runs: string[]) => setParams({ selected: formatNames(runs) });
  const toggle = (run: string | undefined) => run !== undefined && select(toggled(selected, run));
  const cursor = useSignal(-1);
  const input = useRef<HTMLInputElement>(null);
  const baseline = useBaseline(of, baselineName, columns);
  const onlyDiffering = useParam("differing", TEXT).value === "1";
  const known = [...rows.known.value.values()];
  const shown = baseline && onlyDiffering ? differingColumns(columns, known, baseline) : columns;
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
  return (
    <>
      <div class="run-bar">
        <input
          ref={input}
          type="search"
          class="filter"
          aria-label="Filter"
          placeholder={`Filter, as ${FILTER_EXAMPLES[0]}   ( / )`}
          aria-invalid={rows.failure.value !== null}
          value={filter}
          onChange={(event) => setParams({ filter: event.currentTarget.value })}
        />
        <label>
          Group by
          <select
            value={group}
            onChange={(event) => setParams({ group: event.currentTarget.value })}
          >
            <option value="">nothing</option>
            {[
              "sys/tags",
              "sys/status",
              "sys/experiment/name",
              ...paths.filter((p) => !p.startsWith("sys/")),
            ].map((path) => (
              <option key={path} value={path}>
                {columnTitle({ kind: "attribute", path })}
              </option>
            ))}
          </select>
        </label>
        <ColumnPicker
          of={of}
          columns={columns}
          onChange={(next) => setParams({ columns: next.map(formatColumn).join(",") || "none" })}
        />
        {baseline && (
          <label>
            <input
              type="checkbox"
              checked={onlyDiffering}
              onChange={(event) => setParams({ differing: event.currentTarget.checked ? "1" : "" })}
            />
            Only settings that differ from {baseline.name}
          </label>
        )}
        <span class="faint">{formatCount(rows.total.value)} runs</span>
      </div>
      {rows.failure.value !== null && (
        <FilterFailure message={rows.failure.value} filter={filter} />
      )}
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
      {rows.total.value === 0 && rows.failure.value === null && rows.asked.value && (
        <Nothing filter={filter} />
      )}
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

function toggled(selected: readonly string[], run: string): string[] {
  return selected.includes(run) ? selected.filter((name) => name !== run) : [...selected, run];
}

/** The run that others are told apart from, on whatever page of the table it is; null: none. */
function useBaseline(of: ProjectName, name: string, columns: readonly RunColumn[]): RunRow | null {
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

function Nothing({ filter }: { filter: string }) {
  if (filter !== "") {
    return (
      <div class="note">
        <p>
          No run meets this condition.{" "}
          <button type="button" onClick={() => setParams({ filter: "" })}>
            Show all
          </button>
        </p>
        <p>Conditions look like these:</p>
        <FilterExamples />
      </div>
    );
  }
  return (
    <p class="note">
      This project has no runs that are not archived.{" "}
      <button type="button" onClick={() => setParams({ filter: "attr(sys/archived) == True" })}>
        Show those that are
      </button>
    </p>
  );
}

/**
 * The rows of the table by place: pages are asked for when they come near what is seen,
 * all anew when the question changes, and those that are seen when there is news.
 */
function useRows(
  of: ProjectName,
  question: { filter: string; order: string; columns: readonly RunColumn[] },
  version: number,
  news: number,
) {
  const known = useSignal<ReadonlyMap<number, RunRow>>(new Map());
  const total = useSignal(0);
  const failure = useSignal<string | null>(null);
  const asked = useSignal(false);
  const window = useRef({ from: 0, to: PAGE });
  const text = JSON.stringify([of.workspace, of.project, question]);
  const ask = useRef<(page: number) => void>(() => {});
  const again = useRef(() => {});
  useEffect(() => {
    const gone = new AbortController();
    const under = new Set<number>();
    ask.current = async (page) => {
      if (under.has(page)) return;
      under.add(page);
      try {
        const answer = await listRunRows(
          of,
          { ...question, limit: PAGE, offset: page * PAGE },
          gone.signal,
        );
        const next = new Map(known.value);
        for (const [i, row] of answer.rows.entries()) next.set(page * PAGE + i, row);
        known.value = next;
        total.value = answer.total;
        failure.value = null;
        asked.value = true;
      } catch (error) {
        if (!gone.signal.aborted) failure.value = messageOf(error);
      }
      under.delete(page);
    };
    again.current = () => {
      // What the server does not understand it will not understand then.
      if (failure.peek()?.startsWith("[invalid_argument]")) return;
      const { from, to } = window.current;
      for (let page = Math.floor(from / PAGE); page * PAGE < Math.max(to, 1); page++)
        ask.current(page);
    };
    known.value = new Map();
    failure.value = null;
    again.current();
    return () => gone.abort();
  }, [text, version]);
  useEffect(() => again.current(), [news]);
  const want = (from: number, to: number) => {
    window.current = { from, to };
    for (let place = from; place < to; place++) {
      if (!known.peek().has(place)) ask.current(Math.floor(place / PAGE));
    }
  };
  return { known, total, failure, asked, want };
}
