import { type EpisodeFilter, formatNames, formatStretch } from "../lib/episode_filter";
import type { EpisodeMetric } from "../lib/episode_metrics";
import type { ShownRun } from "../server";

/** What all parts of the page of episodes show. */
export interface EpisodesShown {
  name: ShownRun;
  version: number;
  metric: EpisodeMetric;
  /** What the run calls an episode's length, where it logs one. */
  length: EpisodeMetric | null;
  /** Whether env steps are logged, so that lengths are known without it. */
  hasSteps: boolean;
  filter: EpisodeFilter;
  /** Paths of the attributes of environments. */
  attributes: string[];
}

/** A text that tells filters apart. */
export function textOf({ environments, episodes, rlSteps, values }: EpisodeFilter): string {
  return [formatNames(environments), ...[episodes, rlSteps, values].map(formatStretch)].join(" ");
}
