import { PALETTE_SIZE } from "./colour";
import { formatNames } from "./episode_filter";
import { formatCount } from "./format";

/** How many of a table's first runs are charted where none is selected: as many as there are colours. */
export const MOST_FIRST = PALETTE_SIZE;

/** The names of the first rows of a table, as far as they are known without a gap, in alphabetical order. */
export function firstNames(rows: ReadonlyMap<number, { name: string }>): string[] {
  const names: string[] = [];
  for (let place = 0; place < MOST_FIRST; place++) {
    const row = rows.get(place);
    if (!row) break;
    names.push(row.name);
  }
  return names.sort();
}

/**
 * The names of the first runs of groups, in alphabetical order: the first of each, then the second
 * of each that has one, and so on.
 */
export function firstOfGroups(groups: readonly { runs: readonly string[] }[]): string[] {
  const most = Math.max(0, ...groups.map(({ runs }) => runs.length));
  const names: string[] = [];
  for (let place = 0; place < most && names.length < MOST_FIRST; place++) {
    names.push(...groups.flatMap(({ runs }) => runs[place] ?? []));
  }
  return names.slice(0, MOST_FIRST).sort();
}

/**
 * What the charts beside a table are of.
 *
 * @param groups Of how many groups the runs are; null: they are the first of all.
 */
export function chartedTitle(runs: number, selected: boolean, groups: number | null): string {
  const what = `${formatCount(runs)} ${runs === 1 ? "run" : "runs"}`;
  if (selected) return `Charts of ${what}`;
  if (groups === null) return `Charts of the first ${what}`;
  return `Charts of ${what} of ${formatCount(groups)} ${groups === 1 ? "group" : "groups"}`;
}

/** What says how charts are shown, beside a table and on a page of their own. */
const SHARED = ["view", "own", "zoom", "find", "closed", "pinned", "lines"];

/**
 * The query of the page of the charts of runs, shown as they are beside the table.
 *
 * @param colour What runs are coloured by, as an address has it.
 * @param search The query of the table's page.
 */
export function chartsSearch(runs: readonly string[], colour: string, search: string): string {
  const here = new URLSearchParams(search);
  const params = new URLSearchParams({ screen: "charts", runs: formatNames(runs) });
  if (colour !== "") params.set("colour", colour);
  for (const name of SHARED) {
    const value = here.get(name);
    if (value !== null) params.set(name, value);
  }
  return `?${params}`;
}
