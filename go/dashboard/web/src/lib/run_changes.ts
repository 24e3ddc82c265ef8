import type { RunChange, TailCursor } from "../gen/metrana/views/v1/tail_pb";
import { metricKey } from "./metric_key";

/** What the stream told last of a run that is there. */
export interface FollowedRun {
  status: string;
  /** To go on from when the stream is opened anew. */
  cursor: TailCursor | undefined;
}

/** What a page has heard of the runs it shows. Its numbers only grow. */
export interface RunNews {
  /** Grows with everything that the runs take in. */
  version: number;
  /** Grows with attributes and status. */
  description: number;
  /** How often all metrics may have got points. */
  everything: number;
  /** How often points came to single metrics, by their keys. */
  metrics: ReadonlyMap<string, number>;
  /** By name; undefined until it was heard of, null once it was deleted. */
  runs: ReadonlyMap<string, FollowedRun | null>;
  /** Why nothing is heard; null when something is. */
  failure: string | null;
}

/** What is known before the stream says anything. */
export const NOTHING_HEARD: RunNews = {
  version: 0,
  description: 0,
  everything: 0,
  metrics: new Map(),
  runs: new Map(),
  failure: null,
};

/** The news after a message of the stream; one without changes says that the server is there. */
export function heard(news: RunNews, changes: readonly RunChange[]): RunNews {
  if (changes.length === 0) return news.failure === null ? news : { ...news, failure: null };
  const metrics = new Map(news.metrics);
  const runs = new Map(news.runs);
  let { version, description, everything } = news;
  for (const change of changes) {
    const before = runs.get(change.run);
    for (const series of change.series) {
      const key = metricKey(series);
      metrics.set(key, (metrics.get(key) ?? 0) + 1);
    }
    const { status, cursor } = change;
    runs.set(change.run, change.deleted ? null : { status, cursor });
    // What a run took in between the page's first questions and the stream is told by neither.
    if (before === undefined) {
      if (status !== "RUNNING") continue;
      everything++;
    }
    version++;
    if (change.attributesChanged || before?.status !== status) description++;
  }
  return { version, description, everything, metrics, runs, failure: null };
}

/** The news without the runs that are followed no longer. */
export function onlyOf(news: RunNews, runs: readonly string[]): RunNews {
  const kept = [...news.runs].filter(([run]) => runs.includes(run));
  return kept.length === news.runs.size ? news : { ...news, runs: new Map(kept) };
}

/** Grows when points came to a metric. */
export function versionOf(news: RunNews, metric: { metricName: string; scale: string }): number {
  return news.everything + (news.metrics.get(metricKey(metric)) ?? 0);
}

/** Grows when there may be metrics that were not there when they were listed first. */
export function metricsVersion(news: RunNews, first: ReadonlySet<string>): number {
  let version = news.everything;
  for (const key of news.metrics.keys()) if (!first.has(key)) version++;
  return version;
}

/** What the chip of a page says. */
export type LiveState = "connecting" | "live" | "paused" | "stale" | "at rest";

/** Whether what a page shows follows its runs. */
export function liveState({ runs, failure }: RunNews, paused: boolean): LiveState {
  if (paused) return "paused";
  if (failure !== null) return "stale";
  if (runs.size === 0) return "connecting";
  return [...runs.values()].some((run) => run?.status === "RUNNING") ? "live" : "at rest";
}
