import type { Value } from "../server";

/**
 * A value with all its digits; empty where there is none. What is told apart, or
 * put together, goes by this: two seeds may agree in their first five digits.
 */
export function exactText(value: Value | undefined): string {
  if (value === undefined || value === null) return "";
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? value.join(", ") : String(value);
}
