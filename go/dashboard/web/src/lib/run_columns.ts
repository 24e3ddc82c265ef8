import { quoted } from "./query_text";
import { RL_SCALES } from "./sections";

/** What a series, or those of a metric that are of evaluations or of training, came to. */
export interface SummaryColumn {
  kind: "summary";
  metric: string;
  scale: string;
  func: string;
  only?: "training" | "evaluation";
}

/** A column of the table of runs. */
export type RunColumn = { kind: "attribute"; path: string } | SummaryColumn;

/** What a series may be summed up to. */
export const SUMMARIES = ["last", "min", "max", "avg", "first", "count", "std"] as const;

/** The label of points that were logged with `evaluation=True`. */
const EVALUATION = "evaluation";

const CONDITIONS = {
  training: `filter=(${EVALUATION} != "true")`,
  evaluation: `filter=(${EVALUATION}="true")`,
};

/** The summary column as the server is asked for it, and repeats it. */
export function summaryText({ metric, scale, func, only }: SummaryColumn): string {
  const options = scale === "ML_STEP" ? [] : [`scale=${quoted(scale)}`];
  if (only) options.push(CONDITIONS[only]);
  return `${metric}(${options.join(", ")}):${func}`;
}

/** A metric and the labels that its series have. */
export interface SummedMetric {
  metricName: string;
  scale: string;
  labelKeys: readonly string[];
}

/** The columns of a function of a metric: of several series of a run there is no first or last. */
export function summaryColumns(
  { metricName, scale, labelKeys }: SummedMetric,
  func: string,
): SummaryColumn[] {
  const column = { kind: "summary", metric: metricName, scale, func } as const;
  if (!labelKeys.includes(EVALUATION)) return [column];
  return [
    { ...column, only: "training" },
    { ...column, only: "evaluation" },
  ];
}

/** The column of a metric that is shown before anybody chose. */
export function firstSummary(metric: SummedMetric): SummaryColumn[] {
  const several = metric.labelKeys.some((key) => key !== EVALUATION);
  return summaryColumns(metric, several ? "avg" : "last").slice(0, 1);
}

/** What runs are ordered by. */
export function orderText(column: RunColumn, descending: boolean): string {
  const by = column.kind === "attribute" ? `attr(${column.path})` : summaryText(column);
  return `${by} ${descending ? "DESC" : "ASC"}`;
}

const TITLES: Record<string, string> = {
  "sys/creation_time": "created",
  "sys/modification_time": "changed",
  "sys/running_time_seconds": "duration",
  "sys/experiment/name": "experiment",
};

/** A column in the words of a table's head. */
export function columnTitle(column: RunColumn): string {
  if (column.kind === "attribute") {
    return TITLES[column.path] ?? column.path.replace(/^(config|sys)\//, "");
  }
  const title = `${column.metric} ${column.func}`;
  return column.only === "evaluation" ? `${title}, evaluation` : title;
}

/** What a column is of, where its title does not say it. */
export function columnNote(column: RunColumn): string | undefined {
  if (column.kind === "attribute" || !RL_SCALES.includes(column.scale)) return undefined;
  const { func } = column;
  if (func !== "first" && func !== "last") return "Of the points of all environments";
  const which = func === "first" ? "first" : "latest";
  const of = column.scale === "EPISODE" ? `the ${which} episode` : `the ${which} value`;
  return `Mean over environments of ${of} of each`;
}

/** A column as an address has it. */
export function formatColumn(column: RunColumn): string {
  const parts =
    column.kind === "attribute"
      ? ["a", column.path]
      : ["s", column.metric, column.scale, column.func, ...(column.only ? [column.only] : [])];
  return parts.map(encodeURIComponent).join(":");
}

/** Reads what formatColumn writes; null of anything else. */
export function parseColumn(text: string): RunColumn | null {
  try {
    const [kind, first, scale, func, only] = text.split(":").map(decodeURIComponent);
    if (kind === "a" && first) return { kind: "attribute", path: first };
    if (kind === "s" && first && scale && SUMMARIES.some((name) => name === func) && func) {
      const column = { kind: "summary", metric: first, scale, func } as const;
      if (only === undefined) return column;
      if (only === "training" || only === "evaluation") return { ...column, only };
    }
  } catch {
    // not percent-encoding
  }
  return null;
}

/** Columns of an address; null where it names none. */
export function parseColumns(text: string): RunColumn[] | null {
  if (text === "") return null;
  return text.split(",").flatMap((part) => parseColumn(part) ?? []);
}
