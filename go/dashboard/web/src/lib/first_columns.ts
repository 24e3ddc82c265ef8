import { type OverviewMetric, overviewOf } from "./rl_overview";
import type { RunColumn } from "./run_columns";
import { queryFor, RL_SCALES } from "./sections";

const PATHS = ["sys/status", "sys/creation_time", "sys/running_time_seconds", "sys/tags"];
/** How many columns of the configuration are shown. */
const CONFIG_COLUMNS = 4;

/** The columns of a project's table before anybody chose. */
export function firstColumns(
  paths: readonly string[],
  metrics: readonly OverviewMetric[],
): RunColumn[] {
  const config = paths.filter((path) => path.startsWith("config/")).slice(0, CONFIG_COLUMNS);
  // A run has no one summary of what its environments log.
  const summed = firstOf(metrics.filter((m) => !RL_SCALES.includes(m.scale)));
  return [
    ...[...PATHS, ...config].map((path) => ({ kind: "attribute", path }) as const),
    ...(summed
      ? [{ kind: "summary", metric: summed.metricName, scale: summed.scale, func: "last" } as const]
      : []),
  ];
}

/** The series whose small curve stands in each row of the table; null: none. */
export function firstSparkline(metrics: readonly OverviewMetric[]): string | null {
  const metric = firstOf(metrics);
  return metric ? queryFor(metric) : null;
}

function firstOf(metrics: readonly OverviewMetric[]): OverviewMetric | undefined {
  return overviewOf(metrics)[0]?.metrics[0] ?? metrics[0];
}
