import type { Value } from "../server";
import { formatValue } from "./format";

/** An attribute in a table; nothing where there is none. */
export function formatAttribute(value: Value | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return formatValue(value);
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? value.join(", ") : String(value);
}
