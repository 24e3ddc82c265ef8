import { formatNames, parseNames } from "./episode_filter";

/** Which lines charts draw: only some, or all but some. Lines are chosen by their keys. */
export interface LineChoice {
  kind: "only" | "all but";
  keys: ReadonlySet<string>;
}

/** All lines. */
export const ALL_LINES: LineChoice = { kind: "all but", keys: new Set() };

/** Whether a line is drawn. One without a key has nothing beside it that it is told from. */
export function isDrawn({ kind, keys }: LineChoice, key: string): boolean {
  return key === "" || keys.has(key) === (kind === "only");
}

/** Draws one line alone; all again when it was alone. */
export function isolated(choice: LineChoice, key: string): LineChoice {
  const alone = choice.kind === "only" && choice.keys.size === 1 && choice.keys.has(key);
  return alone ? ALL_LINES : { kind: "only", keys: new Set([key]) };
}

/** Draws a line that was not, or the other way round; all again when none would be left. */
export function toggled({ kind, keys }: LineChoice, key: string): LineChoice {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next.size === 0 ? ALL_LINES : { kind, keys: next };
}

/** A choice as an address has it: `only,a,b` or `not,c`. */
export function formatChoice({ kind, keys }: LineChoice): string {
  if (keys.size === 0) return "";
  return `${kind === "only" ? "only" : "not"},${formatNames([...keys])}`;
}

/** Reads what formatChoice writes; what makes no sense is all lines. */
export function parseChoice(text: string): LineChoice {
  const [kind, ...keys] = parseNames(text);
  if (keys.length === 0 || (kind !== "only" && kind !== "not")) return ALL_LINES;
  return { kind: kind === "only" ? "only" : "all but", keys: new Set(keys) };
}

/** A choice in an address. */
export const LINES = { parse: parseChoice, format: formatChoice };
