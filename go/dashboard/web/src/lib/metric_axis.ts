import { metricKey } from "./metric_key";

/** A metric that charts go along, as an address has it: `metric=` and its key, encoded. */
export type MetricAxis = `metric=${string}`;

/** A metric by what tells it from all others of a run. */
export interface NamedMetric {
  metricName: string;
  scale: string;
}

/** The axis of a metric's values. */
export function metricAxis(metric: NamedMetric): MetricAxis {
  return `metric=${encodeURIComponent(metricKey(metric))}`;
}

/** Whether a text names a metric that charts go along. */
export function isMetricAxis(text: string): text is MetricAxis {
  return /^metric=[^:;,]*%20[^:;,]+$/.test(text) && decoded(text) !== null;
}

/** The metric of an axis. */
export function metricOfAxis(axis: MetricAxis): NamedMetric {
  const key = decoded(axis) ?? "";
  const split = key.lastIndexOf(" ");
  return { metricName: key.slice(0, split), scale: key.slice(split + 1) };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.slice("metric=".length));
  } catch {
    return null; // not percent-encoding: an address that somebody typed
  }
}

/** What a page calls a metric among others, of which some may have its name. */
export function metricTitle({ metricName, scale }: NamedMetric): string {
  return scale === "ML_STEP"
    ? metricName
    : `${metricName} (${scale.toLowerCase().replaceAll("_", " ")})`;
}
