import { useAnswer } from "../ask";
import {
  type Definition,
  episodeMetrics,
  formatMetric,
  lengthOf,
  parseMetric,
  returnOf,
} from "../lib/episode_metrics";
import { setParams, TEXT, useParam } from "../params";
import { AnswerState } from "../parts/answer_state";
import { EnvironmentCurves } from "../parts/environment_curves";
import { EnvironmentGroups } from "../parts/environment_groups";
import { EpisodeHeatmap } from "../parts/environment_heatmap";
import { EnvironmentTable } from "../parts/environment_table";
import { MetricPicker } from "../parts/metric_picker";
import { useRunVersion } from "../run_version";
import { listMetrics, type RunName } from "../server";
import { listEnvironmentAttributes } from "../server/environments";
import "../styles/compare.css";

/** The environments of a run: all of their episodes at a glance, as a table, and as curves. */
export function EnvironmentsPage(name: RunName) {
  const version = useRunVersion(name);
  const asked = useAnswer(
    async (signal) => {
      const [definitions, attributes] = await Promise.all([
        listMetrics(name, signal),
        listEnvironmentAttributes(name, signal),
      ]);
      return { definitions, attributes };
    },
    [name.workspace, name.project, name.run, version.value],
  );
  return (
    <>
      <h1>Environments</h1>
      <AnswerState of={asked.value}>
        {({ definitions, attributes }) => (
          <Body
            name={name}
            version={version.value}
            definitions={definitions}
            attributes={attributes}
          />
        )}
      </AnswerState>
    </>
  );
}

interface BodyProps {
  name: RunName;
  version: number;
  definitions: Definition[];
  attributes: string[];
}

function Body({ name, version, definitions, attributes }: BodyProps) {
  const param = useParam("metric", TEXT);
  const filter = useParam("filter", TEXT).value;
  const metric = parseMetric(param.value) ?? returnOf(episodeMetrics(definitions));
  if (!metric) return <NoEpisodes />;
  const length = lengthOf(episodeMetrics(definitions));
  const shared = { name, version, metric, filter };
  return (
    <>
      <div class="pickers">
        <MetricPicker
          definitions={definitions}
          chosen={metric}
          onChoose={(m) => setParams({ metric: formatMetric(m) })}
        />
        <FilterField filter={filter} attributes={attributes} />
      </div>
      <EpisodeHeatmap {...shared} />
      <EnvironmentGroups {...shared} attributes={attributes} />
      <EnvironmentTable {...shared} length={length} attributes={attributes} />
      <EnvironmentCurves {...shared} />
    </>
  );
}

function NoEpisodes() {
  return (
    <div class="note">
      <p>No environment of this run has logged episodes. From Python:</p>
      <pre>{`metrana.log_rl_environment_step("reward", rewards, rl_step=update, env_id=ids, episode=episodes)
metrana.log_rl_episode("return", returns, rl_step=update, env_id=ids, episode=episodes)`}</pre>
    </div>
  );
}

function FilterField({ filter, attributes }: { filter: string; attributes: string[] }) {
  const example = attributes[0] ?? "latest_episode";
  return (
    <form
      class="pickers wide"
      onSubmit={(event) => {
        event.preventDefault();
        const typed = new FormData(event.currentTarget).get("filter");
        setParams({ filter: String(typed ?? "").trim(), from: "" });
      }}
    >
      <label class="wide">
        Filter
        <input
          name="filter"
          type="search"
          defaultValue={filter}
          placeholder={`attr(${example}) EXISTS AND attr(latest_episode) >= 10`}
          spellcheck={false}
        />
      </label>
      <button type="submit">Apply</button>
    </form>
  );
}
