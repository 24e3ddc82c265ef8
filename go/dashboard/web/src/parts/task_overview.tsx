import { useAnswer } from "../ask";
import { useAtMostEvery } from "../at_most_every";
import { axisTitle } from "../lib/axis";
import { limitsOf } from "../lib/cells";
import {
  type EnvironmentGroup,
  groupEnvironments,
  namesTask,
  taskAttributes,
} from "../lib/environment_groups";
import { type EpisodeMetric, episodeMetrics, returnOf } from "../lib/episode_metrics";
import { formatCount, formatValue } from "../lib/format";
import { AS_LOGGED } from "../lib/normalisation";
import { hasEvaluations, type PanelMetric } from "../lib/overview_panels";
import { hrefOf } from "../lib/route";
import { type RunNews, versionOf } from "../lib/run_changes";
import { queryFor } from "../lib/sections";
import { setParams, TEXT, useParam } from "../params";
import type { ShownRun } from "../server";
import { readAncestors, shownRuns } from "../server/ancestors";
import { listEnvironmentAttributes } from "../server/environments";
import type { DensityAxis } from "../server/episodes";
import { readStatistics, type Statistics, type StatisticsAxis } from "../server/statistics";
import { allRows } from "./environments_shown";
import { SmallCurve } from "./small_curve";

interface Props {
  name: ShownRun;
  metrics: readonly PanelMetric[];
  along: DensityAxis;
  news: RunNews;
}

/** How often it is asked for anew at most, in milliseconds: all episodes are gone over. */
const PERIOD = 5000;
const GRID_POINTS = 60;

const AXES: Record<DensityAxis, StatisticsAxis> = { update: "update", total: "env steps" };

/** The return on each task, without evaluations, where attributes of environments tell tasks apart. */
export function TaskOverview(props: Props) {
  const usual = returnOf(episodeMetrics(props.metrics));
  const metric = props.metrics.find((m) => m.scale === "EPISODE" && m.metricName === usual?.name);
  return metric ? <Tasks metric={metric} {...props} /> : null;
}

function Tasks({ name, metric, along, news }: Props & { metric: PanelMetric }) {
  const chosen = useParam("tasks", TEXT).value;
  const { value: shown, failure } = useAnswer(
    (signal) => readTasks(name, metric, chosen, along, signal),
    [...Object.values(name), metric.metricName, hasEvaluations(metric), chosen, along],
    useAtMostEvery(versionOf(news, metric), PERIOD),
  ).value;
  if (failure !== null) return <p class="note failed">Returns by task: {failure}</p>;
  if (!shown) return null;
  return (
    <section class="tasks" data-by={shown.path}>
      <div class="pickers">
        <h3>
          {metric.metricName}
          {hasEvaluations(metric) && ", training,"} by
        </h3>
        <select
          aria-label="What tells tasks apart"
          value={shown.path}
          onChange={(event) => setParams({ tasks: event.currentTarget.value })}
        >
          {shown.paths.map((path) => (
            <option key={path}>{path}</option>
          ))}
        </select>
        <a
          href={`${hrefOf({ ...name, page: "environments" })}?by=${encodeURIComponent(shown.path)}`}
        >
          Environments
        </a>
      </div>
      <Multiples metric={metric.metricName} along={along} shown={shown} />
    </section>
  );
}

interface Shown {
  /** All attributes that tell tasks apart, and the one that is shown. */
  paths: string[];
  path: string;
  tasks: EnvironmentGroup[];
  statistics: Statistics;
}

/** What each task came to; null where no attribute tells tasks apart. */
async function readTasks(
  name: ShownRun,
  metric: PanelMetric,
  chosen: string,
  along: DensityAxis,
  signal: AbortSignal,
): Promise<Shown | null> {
  const { workspace, project, run } = name;
  const ancestors = name.inherited ? await readAncestors(name, signal) : [];
  const runs = shownRuns(name, ancestors);
  const logged = await listEnvironmentAttributes({ workspace, project, runs }, signal);
  const attributes = logged.filter(namesTask);
  if (attributes.length === 0) return null;
  const last: EpisodeMetric = { name: metric.metricName, scale: metric.scale, reduction: "last" };
  const rows = await allRows(name, last, "", attributes, signal);
  const paths = taskAttributes(rows, attributes);
  const path = paths.find((p) => p === chosen) ?? paths[0];
  if (path === undefined) return null;
  const tasks = groupEnvironments(rows, path);
  const statistics = await readStatistics(
    { workspace, project },
    {
      groups: tasks.map((task) => ({ ...task, runs: [run] })),
      seriesQuery: queryFor({ ...metric, evaluation: hasEvaluations(metric) ? false : null }),
      axis: AXES[along],
      unit: "environment",
      estimator: "iqm",
      band: "percentiles",
      normalisation: AS_LOGGED,
      binMeans: true,
      gridPoints: GRID_POINTS,
      resamples: 0,
      inherited: name.inherited,
      samples: false,
    },
    signal,
  );
  return { paths, path, tasks, statistics };
}

interface MultiplesProps {
  metric: string;
  along: DensityAxis;
  shown: Shown;
}

/** A small chart of each task, all of the same axes. */
function Multiples({ metric, along, shown: { tasks, statistics } }: MultiplesProps) {
  const { grid, groups } = statistics;
  const y = limitsOf(groups.flatMap((g) => [...g.values, ...(g.low ?? []), ...(g.high ?? [])]));
  if (!y) return <p class="note">No task has a finite {metric} yet.</p>;
  const x = { low: grid[0] ?? 0, high: grid.at(-1) ?? 0 };
  return (
    <>
      <ul class="multiples">
        {groups.map((group, place) => {
          const last = group.values.findLast((v) => !Number.isNaN(v));
          return (
            <li key={group.name} data-task={group.name}>
              <p>
                <strong title={group.name}>{group.name}</strong>
                <span class="value">{last === undefined ? "" : formatValue(last)}</span>
                <span class="faint">n = {formatCount(tasks[place]?.environments.length ?? 0)}</span>
              </p>
              <SmallCurve
                curve={curveOf(grid, group)}
                x={x}
                y={y}
                label={`${metric} of ${group.name} along ${axisTitle(along)}`}
              />
            </li>
          );
        })}
      </ul>
      <p class="note">
        Interquartile mean over environments, and from their 10th to their 90th percentile; all
        along {axisTitle(along)} {formatCount(Math.round(x.low))} to{" "}
        {formatCount(Math.round(x.high))}, {metric} {formatValue(y.low)} to {formatValue(y.high)}.
      </p>
    </>
  );
}

/** The estimates of a task where there are some. */
function curveOf(grid: Float64Array, { values, low, high }: Statistics["groups"][number]) {
  const known = (column: Float64Array) => column.filter((_, i) => !Number.isNaN(values[i]));
  return {
    xs: known(grid),
    means: known(values),
    minima: known(low ?? values),
    maxima: known(high ?? values),
    notFinite: new Float64Array(),
  };
}
