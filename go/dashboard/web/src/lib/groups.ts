import type { Value } from "../server";
import { formatNames, parseNames } from "./episode_filter";

/** A run with the attributes that runs may be grouped by. */
export interface GroupedRun {
  name: string;
  attributes: Map<string, Value>;
}

/** Runs that are samples of the same thing. */
export interface RunGroup {
  name: string;
  runs: string[];
}

/** How runs are put into groups: by an attribute, by tags, each by itself, all together, by hand. */
export type Grouping =
  | { by: "attribute"; path: string }
  | { by: "tag" | "run" | "all" }
  | { by: "hand"; groups: RunGroup[] };

const TAGS = "sys/tags";

/** Puts runs into groups, by name. A run with several tags is in several groups. */
export function groupRuns(runs: readonly GroupedRun[], grouping: Grouping): RunGroup[] {
  if (grouping.by === "hand") return chosenByHand(runs, grouping.groups);
  const groups = new Map<string, string[]>();
  for (const run of runs) {
    for (const name of groupsOf(run, grouping)) {
      groups.set(name, [...(groups.get(name) ?? []), run.name]);
    }
  }
  return [...groups]
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
    .map(([name, list]) => ({ name, runs: list.sort() }));
}

function chosenByHand(runs: readonly GroupedRun[], groups: readonly RunGroup[]): RunGroup[] {
  const known = new Set(runs.map((r) => r.name));
  return groups
    .map(({ name, runs: list }) => ({ name, runs: list.filter((r) => known.has(r)) }))
    .filter((g) => g.runs.length > 0);
}

function groupsOf(run: GroupedRun, grouping: Exclude<Grouping, { by: "hand" }>): string[] {
  switch (grouping.by) {
    case "all":
      return ["all runs"];
    case "run":
      return [run.name];
    case "tag": {
      const tags = run.attributes.get(TAGS);
      return Array.isArray(tags) ? tags : [];
    }
    case "attribute": {
      const value = run.attributes.get(grouping.path);
      return value === undefined || value === null ? [] : [String(value)];
    }
  }
}

/** The attributes that tell some of the runs apart and put others together, the likeliest first. */
export function groupingPaths(runs: readonly GroupedRun[]): string[] {
  const paths = new Set(runs.flatMap((r) => [...r.attributes.keys()]));
  const useful = [...paths].filter((path) => path.startsWith("config/") && isUseful(runs, path));
  const rank = (path: string) => (/algo|method|agent|policy|model/i.test(path) ? 0 : 1);
  return useful.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, "en"));
}

/** Whether an attribute is a seed: a name for a sample, of which there is no mean and no group. */
export function isSeed(path: string): boolean {
  return /(^|[/_])seed$/i.test(path);
}

function isUseful(runs: readonly GroupedRun[], path: string): boolean {
  if (isSeed(path)) return false;
  const values = new Set(
    runs.flatMap((r) => (r.attributes.has(path) ? [String(r.attributes.get(path))] : [])),
  );
  return values.size > 1 && values.size < runs.length;
}

/** How a grouping stands in an address. */
export function formatGrouping(grouping: Grouping): string {
  switch (grouping.by) {
    case "attribute":
      return grouping.path;
    case "hand":
      return `:hand ${grouping.groups.map((g) => formatNames([g.name, ...g.runs])).join(";")}`;
    default:
      return `:${grouping.by}`;
  }
}

/** Reads what `formatGrouping` wrote; null of an empty text. */
export function parseGrouping(text: string): Grouping | null {
  if (text === "") return null;
  if (text === ":tag" || text === ":run" || text === ":all") {
    return { by: text.slice(1) as "tag" | "run" | "all" };
  }
  if (!text.startsWith(":hand")) return { by: "attribute", path: text };
  const groups = text
    .slice(":hand ".length)
    .split(";")
    .map(parseNames)
    .flatMap(([name, ...runs]) => (name === undefined ? [] : [{ name, runs }]));
  return { by: "hand", groups };
}

/** Moves a run to a group of that name; out of all groups when it is empty. */
export function regroup(groups: readonly RunGroup[], run: string, name: string): RunGroup[] {
  const rest = groups.map((g) => ({ ...g, runs: g.runs.filter((r) => r !== run) }));
  const found = rest.find((g) => g.name === name);
  if (found) found.runs.push(run);
  else if (name !== "") rest.push({ name, runs: [run] });
  return rest.filter((g) => g.runs.length > 0);
}
