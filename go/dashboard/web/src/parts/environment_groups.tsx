import { useAnswer } from "../ask";
import { groupEnvironments, groupingAttributes } from "../lib/environment_groups";
import { formatMetric } from "../lib/episode_metrics";
import { AS_LOGGED } from "../lib/normalisation";
import { queryFor } from "../lib/sections";
import { setParams, TEXT, useParam } from "../params";
import {
  type ComparedGroup,
  readStatistics,
  type StatisticsAxis,
  type StatisticsQuestion,
} from "../server/statistics";
import { AnswerState } from "./answer_state";
import { LearningCurves } from "./compare_curves";
import type { EnvironmentsShown } from "./environments_shown";

interface Props extends EnvironmentsShown {
  attributes: string[];
}

/** The interquartile mean over environments that have an attribute in common, as they learn. */
export function EnvironmentGroups({ name, version, metric, rows, hasSteps, attributes }: Props) {
  const chosen = useParam("by", TEXT).value;
  const along = useParam("along", TEXT).value;
  const axes: StatisticsAxis[] = hasSteps
    ? ["env steps", "update", "episode"]
    : ["episode", "update"];
  const axis = axes.find((a) => a === along) ?? axes[0] ?? "episode";
  const { workspace, project, run } = name;
  const definition = { metricName: metric.name, scale: metric.scale };
  const attributed = JSON.stringify(rows.map(({ id, attributes: of }) => [id, ...of]));
  const answer = useAnswer(
    async (signal) => {
      const paths = groupingAttributes(rows, attributes);
      const path = paths.find((p) => p === chosen) ?? (chosen === "all" ? undefined : paths[0]);
      const groups: ComparedGroup[] =
        path === undefined
          ? [{ name: "all environments", runs: [run], environments: rows.map((r) => r.id) }]
          : groupEnvironments(rows, path).map((g) => ({ ...g, runs: [run] }));
      const question: StatisticsQuestion = {
        groups,
        seriesQuery: queryFor(definition),
        axis,
        unit: "environment",
        estimator: "iqm",
        band: "ci",
        normalisation: AS_LOGGED,
        binMeans: true,
        gridPoints: 100,
        resamples: 200,
        inherited: name.inherited,
        samples: true,
      };
      const statistics = await readStatistics({ workspace, project }, question, signal);
      return { paths, path, question, statistics };
    },
    [formatMetric(metric), attributed, chosen, axis],
    version,
  );
  return (
    <section>
      <h2>How they learn</h2>
      <AnswerState of={answer.value}>
        {({ paths, path, question, statistics }) => (
          <>
            <div class="pickers">
              <label>
                Groups by
                <select
                  value={path ?? "all"}
                  onChange={(event) => setParams({ by: event.currentTarget.value })}
                >
                  {paths.map((p) => (
                    <option key={p}>{p}</option>
                  ))}
                  <option value="all">nothing: all together</option>
                </select>
              </label>
              <label>
                Along
                <select
                  value={axis}
                  onChange={(event) => setParams({ along: event.currentTarget.value })}
                >
                  {axes.map((a) => (
                    <option key={a}>{a}</option>
                  ))}
                </select>
              </label>
            </div>
            {statistics.grid.length > 0 ? (
              <LearningCurves
                of={{ workspace, project }}
                metric={definition}
                question={question}
                statistics={statistics}
                threshold={null}
              />
            ) : (
              <p class="note">No environment that meets the filter has points of {metric.name}.</p>
            )}
          </>
        )}
      </AnswerState>
    </section>
  );
}
