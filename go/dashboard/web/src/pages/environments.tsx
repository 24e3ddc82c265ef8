import { useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { useFollowedRun } from "../followed_run";
import { useKeys } from "../keys";
import {
  type Definition,
  type EpisodeMetric,
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
import { allRows, type EnvironmentsShown } from "../parts/environments_shown";
import { InheritedSwitch, useInherited } from "../parts/inherited_switch";
import { LiveChip } from "../parts/live_chip";
import { MetricPicker } from "../parts/metric_picker";
import type { RunName, ShownRun } from "../server";
import { readAncestors, shownRuns } from "../server/ancestors";
import { listMetricsOf } from "../server/curves";
import { listEnvironmentAttributes } from "../server/environments";
import "../styles/compare.css";

/** The environments of a run: all of their episodes at a glance, as a table, and as curves. */
export function EnvironmentsPage({ workspace, project, run }: RunName) {
  const name = { workspace, project, run };
  const { news, paused, version } = useFollowedRun(name);
  const [inherited, setInherited] = useInherited();
  const asked = useAnswer(
    async (signal) => {
      const ancestors = await readAncestors(name, signal);
      const runs = { workspace, project, runs: shownRuns({ ...name, inherited }, ancestors) };
      const [definitions, attributes] = await Promise.all([
        listMetricsOf(runs, signal),
        listEnvironmentAttributes(runs, signal),
      ]);
      return { ancestors, definitions, attributes };
    },
    [workspace, project, run, inherited],
    version,
  );
  return (
    <>
      <div class="title-row">
        <h1>Environments</h1>
        <LiveChip news={news} paused={paused} />
        {asked.value.value?.ancestors.length ? (
          <InheritedSwitch on={inherited} onChange={setInherited} />
        ) : null}
      </div>
      <AnswerState of={asked.value}>
        {({ definitions, attributes }) => (
          <Body
            key={String(inherited)}
            name={{ ...name, inherited }}
            version={version}
            definitions={definitions}
            attributes={attributes}
          />
        )}
      </AnswerState>
    </>
  );
}

interface BodyProps {
  name: ShownRun;
  version: number;
  definitions: Definition[];
  attributes: string[];
}

function Body({ name, version, definitions, attributes }: BodyProps) {
  const param = useParam("metric", TEXT);
  const known = episodeMetrics(definitions);
  const metric = parseMetric(param.value) ?? returnOf(known);
  if (!metric) return <NoEpisodes />;
  return (
    <>
      <div class="pickers">
        <MetricPicker
          definitions={definitions}
          chosen={metric}
          onChoose={(m) => setParams({ metric: formatMetric(m) })}
        />
        <FilterField attributes={attributes} />
      </div>
      <Sections
        {...{ name, version, metric, attributes }}
        hasSteps={definitions.some((d) => d.scale === "ENVIRONMENT_STEP")}
        length={lengthOf(known)}
      />
    </>
  );
}

interface SectionsProps extends Omit<EnvironmentsShown, "filter" | "rows"> {
  attributes: string[];
  length: EpisodeMetric | null;
}

/** All parts of the page, of the environments that meet the filter. */
function Sections({ name, version, metric, attributes, hasSteps, length }: SectionsProps) {
  const filter = useParam("filter", TEXT).value;
  const found = useAnswer(
    (signal) => allRows(name, metric, filter, attributes, signal),
    [formatMetric(metric), filter, attributes.join("\n")],
    version,
  );
  return (
    <AnswerState of={found.value}>
      {(rows) => {
        const shown = { name, version, metric, filter, hasSteps, rows };
        return (
          <>
            <EpisodeHeatmap {...shown} />
            <EnvironmentGroups {...shown} attributes={attributes} />
            <EnvironmentTable {...shown} attributes={attributes} length={length} />
            <EnvironmentCurves {...shown} />
          </>
        );
      }}
    </AnswerState>
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

function FilterField({ attributes }: { attributes: string[] }) {
  const filter = useParam("filter", TEXT).value;
  const input = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => input.current?.focus() });
  const example = attributes[0] ? `attr(${attributes[0]}) EXISTS AND ` : "";
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
          ref={input}
          name="filter"
          type="search"
          defaultValue={filter}
          placeholder={`${example}attr(latest_episode) >= 10`}
          spellcheck={false}
        />
      </label>
      <button type="submit">Apply</button>
    </form>
  );
}
