import type { MetricDefinition } from "../gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { metricKey } from "./metric_key";
import { quoted } from "./query_text";

/** Metrics that belong together: those whose names share what stands before the last slash. */
export interface Section {
  name: string;
  metrics: MetricDefinition[];
}

/** The scales of points that belong to an environment. */
export const RL_SCALES = ["EPISODE", "ENVIRONMENT_STEP"];

/** Groups metrics into sections: those without a slash first, all by name. */
export function sectionsOf(metrics: MetricDefinition[]): Section[] {
  const sections = new Map<string, MetricDefinition[]>();
  for (const metric of metrics) {
    const slash = metric.metricName.lastIndexOf("/");
    const name = slash < 0 ? "" : metric.metricName.slice(0, slash);
    const list = sections.get(name);
    if (list) list.push(metric);
    else sections.set(name, [metric]);
  }
  return [...sections]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, list]) => ({ name, metrics: list }));
}

/** Metrics in the order of their keys; of keys that none has nothing is left. */
export function metricsOfKeys(
  metrics: readonly MetricDefinition[],
  keys: Iterable<string>,
): MetricDefinition[] {
  const byKey = new Map(metrics.map((metric) => [metricKey(metric), metric]));
  return [...keys].flatMap((key) => byKey.get(key) ?? []);
}

/** A metric, or those of its series that are evaluations, or those that are not. */
export interface QueriedMetric {
  metricName: string;
  scale: string;
  evaluation?: boolean | null;
}

/** A series query for all series of a metric. */
export function queryFor({ metricName, scale, evaluation }: QueriedMetric): string {
  const options = [`scale=${quoted(scale)}`];
  if (typeof evaluation === "boolean") {
    options.push(`filter=(evaluation ${evaluation ? "=" : "!="} "true")`);
  }
  return `${metricName}(${options.join(", ")})`;
}
