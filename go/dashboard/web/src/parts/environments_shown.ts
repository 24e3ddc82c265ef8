import type { EpisodeMetric } from "../lib/episode_metrics";
import type { RunName } from "../server";
import { listEnvironmentRows } from "../server/environments";

/** How many environments the server takes at once. */
export const MOST_NAMED = 1000;

/** What all parts of the page of environments show. */
export interface EnvironmentsShown {
  name: RunName;
  version: number;
  metric: EpisodeMetric;
  filter: string;
}

/** The ids of all environments that have a finite number. */
export async function idsOf(
  name: RunName,
  metric: EpisodeMetric,
  filter: string,
  signal: AbortSignal,
): Promise<string[]> {
  const question = {
    metrics: [metric],
    filter,
    sort: "environment" as const,
    descending: false,
    limit: MOST_NAMED,
    attributes: [],
  };
  const ids: string[] = [];
  let offset = 0;
  for (;;) {
    const page = await listEnvironmentRows(name, { ...question, offset }, signal);
    offset += page.rows.length;
    ids.push(...page.rows.filter((r) => Number.isFinite(r.metrics[0])).map((r) => r.id));
    if (page.rows.length === 0 || offset >= page.total) return ids;
  }
}
