import { DEFAULT_SETTINGS, formatSettings } from "./chart_settings";

/** A stretch of whole numbers, both ends included; null: no limit. */
export interface Stretch {
  from: number | null;
  to: number | null;
}

/** Which episodes a page shows. */
export interface EpisodeFilter {
  environments: string[];
  episodes: Stretch;
  rlSteps: Stretch;
  /** Of the metric that is looked at. */
  values: Stretch;
}

export const EVERYTHING: Stretch = { from: null, to: null };

/** A stretch in an address: `3..17`, `3..`, `..17`; empty for everything. */
export function formatStretch({ from, to }: Stretch): string {
  return from === null && to === null ? "" : `${from ?? ""}..${to ?? ""}`;
}

/** Reads what `formatStretch` wrote, or one number; everything when it is no stretch. */
export function parseStretch(text: string): Stretch {
  const [first, last] = text.includes("..") ? text.split("..", 2) : [text, text];
  const [from, to] = [numberOf(first), numberOf(last)];
  return from !== null && to !== null && from > to ? { from: to, to: from } : { from, to };
}

/** The number in a text; null where there is none. */
export function numberOf(text: string | undefined): number | null {
  const number = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}

/** A list of names in an address; commas, semicolons and percent signs of names are encoded. */
export function formatNames(names: readonly string[]): string {
  return names.map((name) => name.replace(/[%,;]/g, encodeURIComponent)).join(",");
}

/** Reads what `formatNames` wrote. */
export function parseNames(text: string): string[] {
  return text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => part.replaceAll("%2C", ",").replaceAll("%3B", ";").replaceAll("%25", "%"));
}

/** The query of a link to the episodes that a filter selects, of a fork with those that it inherits. */
export function episodeSearch(
  filter: Partial<EpisodeFilter>,
  metric: string | null,
  inherited = false,
): string {
  const search = new URLSearchParams();
  const put = (key: string, text: string) => text !== "" && search.set(key, text);
  put("metric", metric ?? "");
  put("view", formatSettings({ ...DEFAULT_SETTINGS, inherited }, DEFAULT_SETTINGS));
  put("env", formatNames(filter.environments ?? []));
  put("episodes", formatStretch(filter.episodes ?? EVERYTHING));
  put("rl_steps", formatStretch(filter.rlSteps ?? EVERYTHING));
  put("values", formatStretch(filter.values ?? EVERYTHING));
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

/** Reads the filter of a query that `episodeSearch` wrote. */
export function parseFilter(search: string): EpisodeFilter {
  const params = new URLSearchParams(search);
  const stretch = (key: string) => parseStretch(params.get(key) ?? "");
  return {
    environments: parseNames(params.get("env") ?? ""),
    episodes: stretch("episodes"),
    rlSteps: stretch("rl_steps"),
    values: stretch("values"),
  };
}

/** Whether a filter leaves anything out. */
export function isFiltered({ environments, episodes, rlSteps, values }: EpisodeFilter): boolean {
  const all = [episodes, rlSteps, values].every(({ from, to }) => from === null && to === null);
  return environments.length > 0 || !all;
}

/** What lies in two stretches; null where nothing does. */
export function commonStretch(a: Stretch, b: Stretch): Stretch | null {
  const from = pickOf(Math.max, a.from, b.from);
  const to = pickOf(Math.min, a.to, b.to);
  return from !== null && to !== null && from > to ? null : { from, to };
}

function pickOf(pick: (a: number, b: number) => number, a: number | null, b: number | null) {
  return a === null || b === null ? (a ?? b) : pick(a, b);
}
