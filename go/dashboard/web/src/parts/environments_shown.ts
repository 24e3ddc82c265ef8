import type { EpisodeMetric } from "../lib/episode_metrics";
import type { ShownRun } from "../server";
import { type EnvironmentRow, listEnvironmentRows, MOST_NAMED } from "../server/environments";

/** What all parts of the page of environments show. */
export interface EnvironmentsShown {
  name: ShownRun;
  version: number;
  metric: EpisodeMetric;
  filter: string;
  /** Whether env steps are logged, so that episodes lie along them. */
  hasSteps: boolean;
  /** All environments that meet the filter and have a finite number, by id. */
  rows: EnvironmentRow[];
}

/** All environments that have a finite number and meet a condition, page by page. */
export async function allRows(
  name: ShownRun,
  metric: EpisodeMetric,
  filter: string,
  attributes: string[],
  signal: AbortSignal,
): Promise<EnvironmentRow[]> {
  const question = {
    metrics: [metric],
    filter,
    sort: "environment" as const,
    descending: false,
    limit: MOST_NAMED,
    attributes,
  };
  const rows: EnvironmentRow[] = [];
  for (let offset = 0; ; ) {
    const page = await listEnvironmentRows(name, { ...question, offset }, signal);
    offset += page.rows.length;
    rows.push(...page.rows.filter((r) => Number.isFinite(r.metrics[0])));
    if (page.rows.length === 0 || offset >= page.total) return rows;
  }
}
