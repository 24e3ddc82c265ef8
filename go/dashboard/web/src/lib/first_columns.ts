import { type OverviewMetric, overviewOf } from "./rl_overview";
import { firstSummary, type RunColumn, type SummedMetric } from "./run_columns";
import { queryFor } from "./sections";

const PATHS = ["sys/status", "sys/creation_time", "sys/running_time_seconds", "sys/tags"];
/** How many columns of the configuration are shown. */
const CONFIG_COLUMNS = 4;

/** The columns of a project's table before anybody chose. */
export function firstColumns(
  paths: readonly string[],
  metrics: readonly SummedMetric[],
): RunColumn[] {
  const config = paths.filter((path) => path.startsWith("config/")).slice(0, CONFIG_COLUMNS);
  const metric = firstOf(metrics);
  return [
    ...[...PATHS, ...config].map((path) => ({ kind: "attribute", path }) as const),
    ...(metric ? firstSummary(metric) : []),
  ];
}

/** The series whose small curve stands in each row of the table; null: none. */
export function firstSparkline(metrics: readonly OverviewMetric[]): string | null {
  const metric = firstOf(metrics);
  return metric ? queryFor(metric) : null;
}

function firstOf<T extends OverviewMetric>(metrics: readonly T[]): T | undefined {
  return overviewOf(metrics)[0]?.metrics[0] ?? metrics[0];
}
