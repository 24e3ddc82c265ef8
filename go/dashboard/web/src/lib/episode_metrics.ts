import { queryFor } from "./sections";

/** How the values of an episode become one number. */
export const REDUCTIONS = ["last", "mean", "sum", "min", "max", "count"] as const;
export type ReductionName = (typeof REDUCTIONS)[number];

/** One number for each episode. */
export interface EpisodeMetric {
  name: string;
  scale: string;
  reduction: ReductionName;
}

/** A metric as the server lists it. */
export interface Definition {
  metricName: string;
  scale: string;
}

const EPISODE = "EPISODE";
const ENVIRONMENT_STEP = "ENVIRONMENT_STEP";

/**
 * The metrics that a run's episodes have: those logged for whole episodes, then sums,
 * means and the like of those logged for each env step.
 */
export function episodeMetrics(definitions: readonly Definition[]): EpisodeMetric[] {
  const of = (scale: string, reductions: readonly ReductionName[]) =>
    definitions
      .filter((d) => d.scale === scale)
      .flatMap((d) => reductions.map((reduction) => ({ name: d.metricName, scale, reduction })));
  return [...of(EPISODE, ["last"]), ...of(ENVIRONMENT_STEP, ["sum", "mean", "min", "max"])];
}

/** Names of returns, the likeliest first: Stable-Baselines, CleanRL, RLlib and rsl_rl have their own. */
const RETURNS = [
  /(^|\/)(episode_|episodic_)?returns?$/i,
  /(^|\/)(ep_rew|ep_rew_mean|episode_reward|mean_reward|score)$/i,
  /return|reward|score/i,
];
const LENGTHS = [/(^|\/)(episode_|episodic_|ep_)?len(gth)?s?(_mean)?$/i];

/** The metric that is looked at first: what is called a return, or else the first. */
export function returnOf(metrics: readonly EpisodeMetric[]): EpisodeMetric | null {
  return firstNamed(metrics, RETURNS) ?? metrics[0] ?? null;
}

/** What a run calls the length of an episode, for those without env steps. */
export function lengthOf(metrics: readonly EpisodeMetric[]): EpisodeMetric | null {
  return firstNamed(
    metrics.filter((m) => m.scale === EPISODE),
    LENGTHS,
  );
}

function firstNamed(metrics: readonly EpisodeMetric[], names: RegExp[]): EpisodeMetric | null {
  for (const name of names) {
    const found = metrics.find((m) => name.test(m.name));
    if (found) return found;
  }
  return null;
}

/** How a metric stands in an address: `episode:last:return`, `step:sum:reward`. */
export function formatMetric({ name, scale, reduction }: EpisodeMetric): string {
  return `${scale === EPISODE ? "episode" : "step"}:${reduction}:${name}`;
}

/** Reads what `formatMetric` wrote; null when it is no such thing. */
export function parseMetric(text: string): EpisodeMetric | null {
  const [, unit, reduction, name] = text.match(/^(episode|step):([a-z]+):(.+)$/s) ?? [];
  const known = REDUCTIONS.find((r) => r === reduction);
  if (!name || !known) return null;
  return { name, scale: unit === "episode" ? EPISODE : ENVIRONMENT_STEP, reduction: known };
}

/** How a metric is called on the page. */
export function titleOf({ name, scale, reduction }: EpisodeMetric): string {
  return scale === EPISODE ? name : `${reduction} of ${name}`;
}

/** The series query of a metric. */
export function episodeQuery({ name, scale }: EpisodeMetric): string {
  return queryFor({ metricName: name, scale });
}
