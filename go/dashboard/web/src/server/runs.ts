import { floats } from "../lib/columns";
import { quoted } from "../lib/query_text";
import { type RunColumn, summaryText } from "../lib/run_columns";
import { type Value, valuesOf } from "../server";
import { queries, views } from "./clients";

/** Which project. */
export interface ProjectName {
  workspace: string;
  project: string;
}

/** A run as the table shows it. */
export interface RunRow {
  name: string;
  attributes: Map<string, Value>;
  /** By the text of the summary column. */
  summaries: Map<string, number | null>;
}

/** What runs are asked by. */
export interface RunQuestion {
  filter: string;
  /** In the grammar of orders. */
  order: string;
  columns: readonly RunColumn[];
  limit: number;
  offset: number;
}

/** What a table of runs is asked by, whatever the page. */
export type TableQuestion = Omit<RunQuestion, "limit" | "offset">;

/** What every row shows, whatever its columns. */
const PATHS = [
  "sys/status",
  "sys/creation_time",
  "sys/modification_time",
  "sys/running_time_seconds",
  "sys/tags",
  "sys/description",
  "sys/archived",
];

/** Runs that are not archived. */
const NOT_ARCHIVED = "attr(sys/archived) == False";

/** A page of the runs for which a condition holds, and how many there are. Without a condition archived ones are left out. */
export async function listRunRows(
  { workspace, project }: ProjectName,
  { filter, order, columns, limit, offset }: RunQuestion,
  signal: AbortSignal,
): Promise<{ rows: RunRow[]; total: number }> {
  const paths = columns.flatMap((c) => (c.kind === "attribute" ? [c.path] : []));
  const answer = await queries.listRuns(
    {
      workspace,
      project,
      filter: filter.trim() === "" ? NOT_ARCHIVED : filter,
      orderBy: order,
      limit: BigInt(limit),
      offset: BigInt(offset),
      attributePaths: [...new Set([...PATHS, ...paths])],
      seriesSummaries: columns.flatMap((c) => (c.kind === "summary" ? [summaryText(c)] : [])),
    },
    { signal },
  );
  const rows = answer.runs.map((run) => ({
    name: run.name,
    attributes: valuesOf(run.attributes),
    summaries: new Map(run.seriesSummaries.map((s) => [s.seriesSummary, s.value ?? null])),
  }));
  return { rows, total: Number(answer.totalCount) };
}

/** The most that the server gives at once. */
const PAGE = 1000;
/** How many runs are looked at, at most. */
const MOST = 10_000;

/** What pages of a list hold together, the first ten thousand of it, and how many there are. */
async function allPages<T>(
  read: (offset: number) => Promise<{ rows: T[]; total: number }>,
): Promise<{ rows: T[]; total: number }> {
  const rows: T[] = [];
  for (;;) {
    const page = await read(rows.length);
    rows.push(...page.rows);
    const { total } = page;
    if (page.rows.length === 0 || rows.length >= Math.min(total, MOST)) return { rows, total };
  }
}

/** The first runs that a question selects. */
export function listAllRunRows(
  of: ProjectName,
  question: TableQuestion,
  signal: AbortSignal,
): Promise<{ rows: RunRow[]; total: number }> {
  return allPages((offset) => listRunRows(of, { ...question, limit: PAGE, offset }, signal));
}

/** A run and what it has as an attribute; null: nothing. */
export interface RunValue {
  run: string;
  value: Value;
}

/** The values that the first runs have for which a condition holds; without one archived ones are among them. */
export function listRunValues(
  { workspace, project }: ProjectName,
  path: string,
  filter: string,
  signal: AbortSignal,
): Promise<{ rows: RunValue[]; total: number }> {
  return allPages(async (offset) => {
    const answer = await queries.listRuns(
      {
        workspace,
        project,
        filter,
        limit: BigInt(PAGE),
        offset: BigInt(offset),
        attributePaths: [path],
      },
      { signal },
    );
    const rows = answer.runs.map(({ name, attributes }) => ({
      run: name,
      value: valuesOf(attributes).get(path) ?? null,
    }));
    return { rows, total: Number(answer.totalCount) };
  });
}

/** Names of the runs that were forked from a run, the first thousand by name, and how many there are. */
export async function listForks(
  { workspace, project }: ProjectName,
  run: string,
  signal: AbortSignal,
): Promise<{ names: string[]; total: number }> {
  const filter = `attr(sys/forking/parent_run_name) == ${quoted(run)}`;
  const orderBy = "attr(sys/name) ASC";
  const answer = await queries.listRuns(
    { workspace, project, filter, orderBy, limit: 1000n },
    { signal },
  );
  return { names: answer.runs.map((r) => r.name), total: Number(answer.totalCount) };
}

/** The paths of the attributes that runs of a project have, the first ten thousand. */
export async function listRunPaths(
  { workspace, project }: ProjectName,
  signal: AbortSignal,
): Promise<string[]> {
  const answer = await queries.listAttributesDefinitions(
    { workspace, source: { case: "runSource", value: { project } }, limit: 10_000n },
    { signal },
  );
  return answer.attributeDefs.map((a) => a.path);
}

/** Metrics of a project's runs, the first thousand. */
async function listProjectMetrics({ workspace, project }: ProjectName, signal: AbortSignal) {
  const answer = await queries.listMetricDefinitions(
    { workspace, project, limit: 1000n },
    { signal },
  );
  return answer.metricDefinitions;
}

/** What the runs of a project can be shown by: paths of attributes, and metrics. */
export async function listRunColumns(of: ProjectName, signal: AbortSignal) {
  const [paths, metrics] = await Promise.all([
    listRunPaths(of, signal),
    listProjectMetrics(of, signal),
  ]);
  return { paths, metrics };
}

/** The means of a series of each run over its length, in few buckets; empty where a run has none. */
export async function readSparklines(
  { workspace, project }: ProjectName,
  runs: readonly string[],
  seriesQuery: string,
  signal: AbortSignal,
): Promise<Map<string, Float64Array>> {
  if (runs.length === 0) return new Map();
  const answer = await views.getSparklines(
    { workspace, project, queries: runs.map((run) => ({ run, seriesQuery })), buckets: 40 },
    { signal },
  );
  return new Map(
    runs.map((run, i) => [run, floats(answer.sparklines[i]?.means ?? new Uint8Array())]),
  );
}
