import { type OverviewMetric, overviewOf, type Topic, type TopicTitle } from "./rl_overview";
import { isOfMachine } from "./system_metrics";

/** A metric as the server lists it. */
export interface PanelMetric extends OverviewMetric {
  labelKeys: readonly string[];
}

/** What one chart of the overview shows. */
export type Panel<T> =
  /** The values of single episodes; of those that are evaluations, or not; null: of all. */
  | { kind: "density"; metric: T; evaluation: boolean | null }
  /** What a reward is made up of. */
  | { kind: "terms"; prefix: string; metrics: T[] }
  /** Lines; without what lies around them where values are 0 or 1. */
  | { kind: "chart"; metric: T; band: boolean };

/** How many charts an overview has, where names say nothing. */
const FIRST = 6;
/** How many of one topic. */
const OF_A_TOPIC = 3;
/** The label that the client's `evaluation=True` gives a series. */
const EVALUATION = "evaluation";

/** The charts that one looks at first: returns, lengths, losses and so on; else the first metrics. */
export function panelsOf<T extends PanelMetric>(metrics: readonly T[]): Panel<T>[] {
  const topics = overviewOf(metrics);
  if (topics.length === 0) {
    const trained = metrics.filter((metric) => !isOfMachine(metric));
    return trained.slice(0, FIRST).map((metric) => chart(metric));
  }
  return topics.flatMap(panelsOfTopic);
}

function chart<T>(metric: T, title?: TopicTitle): Panel<T> {
  return { kind: "chart", metric, band: title !== "Success rate" };
}

function panelsOfTopic<T extends PanelMetric>({ title, metrics }: Topic<T>): Panel<T>[] {
  if (title === "Reward terms") return termPanels(metrics);
  const first = metrics.slice(0, OF_A_TOPIC);
  return title === "Return" || title === "Episode length" || title === "Evaluation"
    ? first.flatMap(episodePanels)
    : first.map((metric) => chart(metric, title));
}

function episodePanels<T extends PanelMetric>(metric: T): Panel<T>[] {
  if (metric.scale !== "EPISODE") return [chart(metric)];
  const wanted = hasEvaluations(metric) ? [false, true] : [null];
  return wanted.map((evaluation) => ({ kind: "density", metric, evaluation }));
}

/** Whether some series of a metric are evaluations. */
export function hasEvaluations({ labelKeys }: PanelMetric): boolean {
  return labelKeys.includes(EVALUATION);
}

function termPanels<T extends PanelMetric>(metrics: readonly T[]): Panel<T>[] {
  const groups = new Map<string, T[]>();
  for (const metric of metrics) {
    const key = `${metric.scale} ${splitTerm(metric.metricName).prefix}`;
    groups.set(key, [...(groups.get(key) ?? []), metric]);
  }
  return [...groups.values()].flatMap((of): Panel<T>[] => {
    const [first, second] = of;
    if (!first) return [];
    if (!second) return [chart(first)];
    return [{ kind: "terms", prefix: splitTerm(first.metricName).prefix, metrics: of }];
  });
}

/** `Episode_Reward/alive` as its prefix and the term; the mean of a term is the term. */
export function splitTerm(metricName: string): { prefix: string; term: string } {
  const name = metricName.replace(/\/mean$/, "");
  const split = name.search(/[^/]*$/);
  const rew = name.slice(split).match(/^rew_/)?.[0].length ?? 0;
  return { prefix: name.slice(0, split + rew).replace(/[/_]$/, ""), term: name.slice(split + rew) };
}
