import type { Value } from "../server";

/** Whether a run is still going. */
export function Status({ value }: { value: Value | undefined }) {
  if (typeof value !== "string") return null;
  const words = value.charAt(0) + value.slice(1).toLowerCase();
  return <span class={`status ${value.toLowerCase()}`}>{words}</span>;
}
