import { formatAgo, formatDuration, formatValue } from "../lib/format";
import { formatMoment } from "../lib/moment";
import { type RunColumn, summaryText } from "../lib/run_columns";
import type { Value } from "../server";
import type { RunRow } from "../server/runs";
import { Status } from "./status";
import { Tags } from "./tags";

/** What a column has of a run. */
export function cellValue(run: RunRow, column: RunColumn): Value | undefined {
  return column.kind === "attribute"
    ? run.attributes.get(column.path)
    : run.summaries.get(summaryText(column));
}

/** A value as a cell shows it. */
export function RunCell({ run, column }: { run: RunRow; column: RunColumn }) {
  const value = cellValue(run, column);
  if (column.kind === "attribute") {
    switch (column.path) {
      case "sys/status":
        return <Status value={value} />;
      case "sys/tags":
        return <Tags value={value} />;
      case "sys/running_time_seconds":
        return <>{typeof value === "number" && numberText(column, value)}</>;
      case "sys/creation_time":
      case "sys/modification_time":
        return <>{value instanceof Date && formatAgo(value, new Date())}</>;
    }
  }
  return <>{cellText(value)}</>;
}

/** A number of a column, or one that numbers of it come to. */
export function numberText(column: RunColumn, value: number): string {
  const isTime = column.kind === "attribute" && column.path === "sys/running_time_seconds";
  return isTime ? formatDuration(value) : formatValue(value);
}

/** A value in a few words; empty where there is none. */
export function cellText(value: Value | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return formatValue(value);
  if (value instanceof Date) return `${formatMoment(value.getTime())} UTC`;
  return Array.isArray(value) ? value.join(", ") : String(value);
}
