import { quoted } from "./query_text";

/** A column of the table of runs: an attribute, or what a series came to. */
export type RunColumn =
  | { kind: "attribute"; path: string }
  | { kind: "summary"; metric: string; scale: string; func: string };

/** What a series may be summed up to. */
export const SUMMARIES = ["last", "min", "max", "avg", "first", "count", "std"] as const;

/** The summary column as the server is asked for it, and repeats it. */
export function summaryText({ metric, scale, func }: RunColumn & { kind: "summary" }): string {
  const options = scale === "ML_STEP" ? "" : `scale=${quoted(scale)}`;
  return `${metric}(${options}):${func}`;
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
  return `${column.metric} ${column.func}`;
}

/** A column as an address has it. */
export function formatColumn(column: RunColumn): string {
  const parts =
    column.kind === "attribute"
      ? ["a", column.path]
      : ["s", column.metric, column.scale, column.func];
  return parts.map(encodeURIComponent).join(":");
}

/** Reads what formatColumn writes; null of anything else. */
export function parseColumn(text: string): RunColumn | null {
  try {
    const [kind, first, scale, func] = text.split(":").map(decodeURIComponent);
    if (kind === "a" && first) return { kind: "attribute", path: first };
    if (kind === "s" && first && scale && SUMMARIES.some((name) => name === func) && func) {
      return { kind: "summary", metric: first, scale, func };
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
