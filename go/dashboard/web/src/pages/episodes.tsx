import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { useFollowedRun } from "../followed_run";
import { useKeys } from "../keys";
import {
  type EpisodeFilter,
  formatNames,
  formatStretch,
  parseNames,
  parseStretch,
  type Stretch,
} from "../lib/episode_filter";
import {
  type Definition,
  type EpisodeMetric,
  episodeMetrics,
  formatMetric,
  lengthOf,
  parseMetric,
  returnOf,
  titleOf,
} from "../lib/episode_metrics";
import { type Codec, setParams, TEXT, useParam } from "../params";
import { AnswerState } from "../parts/answer_state";
import { Spread } from "../parts/episode_spread";
import { EpisodeTable } from "../parts/episode_table";
import type { EpisodesShown } from "../parts/episodes_shown";
import { InheritedSwitch, useInherited } from "../parts/inherited_switch";
import { LiveChip } from "../parts/live_chip";
import { MetricPicker } from "../parts/metric_picker";
import type { RunName, ShownRun } from "../server";
import { readAncestors, shownRuns } from "../server/ancestors";
import { listMetricsOf } from "../server/curves";
import { listEnvironmentAttributes } from "../server/environments";
import "../styles/episodes.css";

const NAMES: Codec<string[]> = { parse: parseNames, format: formatNames };
const STRETCH: Codec<Stretch> = { parse: parseStretch, format: formatStretch };

/** The episodes of a run, by page: what they came to, and how they are spread. */
export function EpisodesPage({ workspace, project, run }: RunName) {
  const name = { workspace, project, run };
  const { news, paused, version } = useFollowedRun(name);
  const [inherited, setInherited] = useInherited();
  const asked = useAnswer(
    async (signal) => {
      const ancestors = await readAncestors(name, signal);
      const runs = shownRuns({ ...name, inherited }, ancestors);
      const [definitions, attributes] = await Promise.all([
        listMetricsOf({ workspace, project, runs }, signal),
        listEnvironmentAttributes({ workspace, project, runs }, signal),
      ]);
      return { ancestors, definitions, attributes };
    },
    [workspace, project, run, inherited],
    version,
  );
  return (
    <>
      <div class="title-row">
        <h1>Episodes</h1>
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
  const filter = useFilter();
  const known = episodeMetrics(definitions);
  const metric = parseMetric(param.value) ?? returnOf(known);
  if (!metric) return <NoEpisodes />;
  const hasSteps = definitions.some((d) => d.scale === "ENVIRONMENT_STEP");
  const length = lengthOf(known);
  const shared = { name, version, metric, length, hasSteps, filter, attributes };
  return (
    <>
      <div class="pickers">
        <MetricPicker
          definitions={definitions}
          chosen={metric}
          onChoose={(m) => setParams({ metric: formatMetric(m), values: "", page: "", sort: "" })}
        />
        <Filters filter={filter} metric={metric} />
      </div>
      <Listed {...shared} />
    </>
  );
}

/** The table, and what goes over all episodes: asked once the table is there, which comes first. */
function Listed(shown: EpisodesShown) {
  const listed = useSignal(false);
  return (
    <>
      {listed.value ? <Spread {...shown} /> : <div class="spread" />}
      <EpisodeTable
        {...shown}
        onListed={() => {
          listed.value = true;
        }}
      />
    </>
  );
}

function NoEpisodes() {
  return (
    <div class="note">
      <p>This run has no episodes. From Python:</p>
      <pre>{`metrana.log_rl_episode("return", returns, rl_step=update, env_id=ids, episode=episodes)`}</pre>
    </div>
  );
}

function useFilter(): EpisodeFilter {
  return {
    environments: useParam("env", NAMES).value,
    episodes: useParam("episodes", STRETCH).value,
    rlSteps: useParam("rl_steps", STRETCH).value,
    values: useParam("values", STRETCH).value,
  };
}

function Filters({ filter, metric }: { filter: EpisodeFilter; metric: EpisodeMetric }) {
  const fields: [string, string, string, string][] = [
    ["Environments", "env", formatNames(filter.environments), "env-0,env-1"],
    ["Episodes", "episodes", formatStretch(filter.episodes), "0..100"],
    ["Updates", "rl_steps", formatStretch(filter.rlSteps), "0..50"],
    [titleOf(metric), "values", formatStretch(filter.values), "200.."],
  ];
  const first = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => first.current?.focus() });
  const chosen = fields.some(([, , text]) => text !== "");
  return (
    <>
      {fields.map(([title, param, text, example], place) => (
        <label key={param}>
          {title}
          <input
            ref={place === 0 ? first : null}
            type="search"
            aria-label={title}
            value={text}
            placeholder={example}
            spellcheck={false}
            onChange={(event) =>
              setParams({ [param]: normal(param, event.currentTarget.value.trim()), page: "" })
            }
          />
        </label>
      ))}
      {chosen && (
        <button
          type="button"
          onClick={() => setParams({ env: "", episodes: "", rl_steps: "", values: "", page: "" })}
        >
          Show all
        </button>
      )}
    </>
  );
}

function normal(param: string, typed: string): string {
  return param === "env" ? typed : formatStretch(parseStretch(typed));
}
