import { type AxisName, type CommonAxis, joiningAxis } from "./axis";
import { isMetricAxis, metricOfAxis, type NamedMetric } from "./metric_axis";

/** What a chart asked its server. */
export interface AskedCurves {
  origin: string;
  workspace: string;
  project: string;
  runs: readonly string[];
  metric: NamedMetric;
  /** Labels that series must have; none: all of the metric. */
  labels?: Readonly<Record<string, string>>;
  /** None: all environments together, as along a metric they always are. */
  environment?: string | null;
  axis: AxisName;
  range: { from: number; to: number } | null;
  buckets: number;
  inherited?: boolean;
}

/** What metrana.query calls the axes. */
const AXIS_IN_PYTHON: Record<CommonAxis, string> = {
  step: "step",
  update: "rl_step",
  total: "cumulative_env_steps",
  episode: "episode",
  env_step: "env_step",
  relative: "relative_time",
  wall: "wall_time",
};

/** The program that gives the numbers of a chart. */
export function pythonCall(asked: AskedCurves): string {
  return [
    "from metrana.query import QueryClient, SeriesFilter",
    "",
    "with QueryClient(",
    `    workspace_name=${text(asked.workspace)},`,
    `    project_name=${text(asked.project)},`,
    `    query_url=${text(asked.origin)},`,
    ") as client:",
    `    curves = client.${isMetricAxis(asked.axis) ? "fetch_curves_by_metric" : "fetch_curves"}(`,
    `        [${asked.runs.map(text).join(", ")}],`,
    `        ${seriesFilter(asked.metric, asked.labels)},`,
    ...axisArguments(asked).map((argument) => `        ${argument},`),
    ...(asked.range ? [`        within=(${asked.range.from}, ${asked.range.to}),`] : []),
    ...(asked.environment ? [`        environments=[${text(asked.environment)}],`] : []),
    `        buckets=${asked.buckets},`,
    ...(asked.inherited ? ["        include_inherited=True,"] : []),
    "    )",
    "",
  ].join("\n");
}

function axisArguments({ axis, metric }: AskedCurves): string[] {
  if (!isMetricAxis(axis)) return [`axis=${text(AXIS_IN_PYTHON[axis])}`];
  const joinedBy = AXIS_IN_PYTHON[joiningAxis(metric)];
  return [seriesFilter(metricOfAxis(axis)), `joined_by=${text(joinedBy)}`];
}

function seriesFilter({ metricName, scale }: NamedMetric, labels: AskedCurves["labels"] = {}) {
  const wanted = Object.entries(labels).map(([key, value]) => `${text(key)}: ${text(value)}`);
  const parts = [
    text(metricName),
    ...(scale === "ML_STEP" ? [] : [`scale=${text(scale)}`]),
    ...(wanted.length === 0 ? [] : [`labels={${wanted.join(", ")}}`]),
  ];
  return `SeriesFilter(${parts.join(", ")})`;
}

/** A text as Python writes it. JSON's escapes are Python's, too. */
function text(value: string): string {
  return JSON.stringify(value);
}
