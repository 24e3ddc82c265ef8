import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { useAnswer } from "../ask";
import { type Following, useFollowedRun } from "../followed_run";
import { type EpisodeFacts, eventsOf, isEvent } from "../lib/episode_events";
import {
  commonStretch,
  type EpisodeFilter,
  EVERYTHING,
  parseFilter,
  type Stretch,
} from "../lib/episode_filter";
import {
  type Definition,
  type EpisodeMetric,
  episodeMetrics,
  parseMetric,
  titleOf,
} from "../lib/episode_metrics";
import { formatCount, formatDuration, formatValue } from "../lib/format";
import { formatAttribute } from "../lib/format_attribute";
import { formatMoment } from "../lib/moment";
import { episodeHref, hrefOf } from "../lib/route";
import { queryFor } from "../lib/sections";
import { navigate } from "../location";
import { type Codec, setParams, TEXT, useParam } from "../params";
import { AnswerState } from "../parts/answer_state";
import { EpisodeChart } from "../parts/episode_chart";
import { EventList } from "../parts/event_list";
import { LiveChip } from "../parts/live_chip";
import { Player } from "../parts/player";
import { useStepKeys } from "../parts/step_keys";
import { listMetrics, type RunName, type Value } from "../server";
import { nullWhereNotFound } from "../server/ancestors";
import { type Curve, readEpisodeAttributes, readEpisodeCurves } from "../server/environments";
import { type Episode, listEpisodes } from "../server/episodes";
import { findHolder } from "../server/inherited_episodes";
import { readVideo } from "../server/renderings";
import "../styles/episodes.css";

const BUCKETS = 1000;

/** How many episodes are compared with the one that is shown. */
const MOST_COMPARED = 5;

const NUMBER: Codec<number | null> = {
  parse: (text) => (/^\d+$/.test(text) ? Number(text) : null),
  format: (value) => (value === null ? "" : String(value)),
};

const NUMBERS: Codec<number[]> = {
  parse: (text) =>
    text
      .split(",")
      .filter((t) => /^\d+$/.test(t))
      .map(Number)
      .slice(0, MOST_COMPARED),
  format: (values) => values.join(","),
};

/** One episode of an environment, env step by env step. */
export function EpisodePage({ workspace, project, run }: RunName) {
  const name = { workspace, project, run };
  const environment = useParam("env", TEXT).value;
  const episode = useParam("episode", NUMBER).value;
  const among = useParam("among", TEXT).value;
  const following = useFollowedRun(name, false);
  const metrics = useAnswer(
    (signal) => listMetrics(name, signal),
    [name.workspace, name.project, name.run],
    following.version,
  );
  if (environment === "" || episode === null) {
    return (
      <p class="note">
        This address names no episode: choose one on the page of the{" "}
        <a href={hrefOf({ ...name, page: "episodes" })}>episodes</a>.
      </p>
    );
  }
  const of = { name, environment, episode, among, version: following.version };
  return (
    <AnswerState of={metrics.value}>
      {(definitions) => (
        <Body
          key={`${environment} ${episode}`}
          of={of}
          following={following}
          definitions={definitions}
        />
      )}
    </AnswerState>
  );
}

interface Which {
  name: RunName;
  environment: string;
  episode: number;
  /** Query of the list that led here: its neighbours are of that. */
  among: string;
  version: number;
}

interface BodyProps {
  of: Which;
  following: Following;
  definitions: Definition[];
}

function Body({ of, following: { news, paused }, definitions }: BodyProps) {
  const { environment, episode, version } = of;
  const playhead = useSignal<number | null>(null);
  const metrics = episodeMetrics(definitions).filter((m) => m.scale === "EPISODE");
  const beside = useAnswer(
    (signal) => readBeside(of, metrics, signal),
    [environment, episode, of.among, metrics.map((m) => m.name).join("\n")],
    version,
  );
  const attributes = useAnswer(
    (signal) => readEpisodeAttributes(of.name, environment, episode, signal),
    [environment, episode],
    version,
  );
  const facts = factsOf(beside.value.value?.episode ?? null, metrics, attributes.value.value);
  return (
    <>
      <div class="title-row">
        <h1>
          Episode {formatCount(episode)} of {environment}
        </h1>
        <LiveChip news={news} paused={paused} />
      </div>
      <AnswerState of={beside.value}>
        {(found) => (
          <>
            <Neighbours of={of} before={found.before} after={found.after} />
            {found.episode ? (
              <Facts episode={found.episode} metrics={metrics} />
            ) : (
              <Missing of={of} holder={found.holder} />
            )}
          </>
        )}
      </AnswerState>
      <div class="episode">
        <aside>
          <Video of={of} playhead={playhead} envSteps={facts.envSteps} />
          <AnswerState of={attributes.value}>
            {(all) => (all.size > 0 ? <AttributeTable all={all} /> : null)}
          </AnswerState>
        </aside>
        <StepCharts of={of} definitions={definitions} facts={facts} playhead={playhead} />
      </div>
    </>
  );
}

/** What is shown of an episode that the run does not have: where it is inherited, that of its parent. */
function Missing({
  of: { name, environment, episode },
  holder,
}: {
  of: Which;
  holder: string | null;
}) {
  useEffect(() => {
    if (holder !== null) {
      navigate(episodeHref({ ...name, run: holder }, environment, episode), { back: false });
    }
  }, [holder]);
  return (
    <p class="note">
      {holder === null
        ? `${environment} has no episode ${formatCount(episode)}: it was not logged, or not yet.`
        : `This episode was logged in ${holder}, which is opened.`}
    </p>
  );
}

/** What events of an episode are made of; without those of what is not answered yet. */
function factsOf(
  episode: Episode | null,
  metrics: EpisodeMetric[],
  attributes: Map<string, Value> | null,
): EpisodeFacts {
  return {
    envSteps: episode?.envSteps ?? 0,
    restarts: episode?.restarts ?? 0,
    metrics: new Map(metrics.map(({ name }, i) => [name, episode?.metrics[i] ?? Number.NaN])),
    attributes: attributes ?? new Map(),
  };
}

interface Beside {
  episode: Episode | null;
  before: number | null;
  after: number | null;
  /** Where the run does not have the episode, the one that it inherits it from. */
  holder: string | null;
}

/** The episode, and the nearest ones of the environment before and after it that the list has. */
async function readBeside(
  { name, environment, episode, among }: Which,
  metrics: EpisodeMetric[],
  signal: AbortSignal,
): Promise<Beside> {
  const listed = parseFilter(among);
  const by = parseMetric(new URLSearchParams(among).get("metric") ?? "");
  const ask = async (filter: EpisodeFilter, descending: boolean, wanted: EpisodeMetric[]) => {
    const question = { metrics: wanted, attributes: [], filter, descending, limit: 1, page: "" };
    const own = { ...name, inherited: false };
    const page = await listEpisodes(own, { ...question, sort: "episode" }, signal);
    return page.episodes[0] ?? null;
  };
  const nearest = async (side: Stretch, descending: boolean) => {
    const episodes = commonStretch(listed.episodes, side);
    if (episodes === null) return null;
    const filter = { ...listed, environments: [environment], episodes };
    return ask(filter, descending, by ? [by] : []);
  };
  const self = {
    environments: [environment],
    episodes: { from: episode, to: episode },
    rlSteps: EVERYTHING,
    values: EVERYTHING,
  };
  const found = await Promise.all([
    ask(self, false, metrics.slice(0, 32)),
    episode === 0 ? null : nearest({ from: null, to: episode - 1 }, true),
    nearest({ from: episode + 1, to: null }, false),
  ]).catch(nullWhereNotFound); // the run may not have the environment itself
  const [shown, before, after] = found ?? [null, null, null];
  return {
    episode: shown,
    before: before?.episode ?? null,
    after: after?.episode ?? null,
    holder: shown ? null : await findHolder(name, environment, episode, signal),
  };
}

function Neighbours({
  of,
  before,
  after,
}: {
  of: Which;
  before: number | null;
  after: number | null;
}) {
  const { name, environment, among } = of;
  const compared = useParam("with", NUMBERS).value;
  const link = (episode: number) => episodeHref(name, environment, episode, among);
  const list = hrefOf({ ...name, page: "episodes" });
  return (
    <nav class="pickers" aria-label="Episodes of this environment">
      {before !== null && (
        <a rel="prev" href={link(before)}>
          ← Episode {formatCount(before)}
        </a>
      )}
      {after !== null && (
        <a rel="next" href={link(after)}>
          Episode {formatCount(after)} →
        </a>
      )}
      {among !== "" && <a href={`${list}?${among}`}>Filtered episodes</a>}
      <a href={`${list}?${new URLSearchParams({ env: environment })}`}>All of {environment}</a>
      <label>
        Compare with episodes
        <input
          type="search"
          value={NUMBERS.format(compared)}
          placeholder={before === null ? "12,60" : String(before)}
          onChange={(event) =>
            setParams({ with: NUMBERS.format(NUMBERS.parse(event.currentTarget.value)) })
          }
        />
      </label>
      {before !== null && !compared.includes(before) && (
        <button
          type="button"
          onClick={() => setParams({ with: NUMBERS.format([...compared, before]) })}
        >
          Overlay the one before
        </button>
      )}
      {after !== null && !compared.includes(after) && (
        <button
          type="button"
          onClick={() => setParams({ with: NUMBERS.format([...compared, after]) })}
        >
          Overlay the one after
        </button>
      )}
    </nav>
  );
}

function Facts({ episode: e, metrics }: { episode: Episode; metrics: EpisodeMetric[] }) {
  const facts: [string, string][] = [
    ...metrics.flatMap((m, i): [string, string][] => {
      const value = e.metrics[i];
      return value === undefined ? [] : [[titleOf(m), formatValue(value)]];
    }),
    ["env steps", formatCount(e.envSteps)],
    [
      "updates",
      e.firstRlStep === e.lastRlStep
        ? formatCount(e.firstRlStep)
        : `${formatCount(e.firstRlStep)} to ${formatCount(e.lastRlStep)}`,
    ],
    ["began (UTC)", formatMoment(e.firstTime)],
    ["took", formatDuration((e.lastTime - e.firstTime) / 1000)],
  ];
  return (
    <>
      <dl class="facts">
        {facts.map(([title, text]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd class={text === formatValue(Number.NaN) ? "failed" : ""}>{text}</dd>
          </div>
        ))}
      </dl>
      {e.restarts > 0 && (
        <p class="restarted">
          Restarted {e.restarts === 1 ? "once" : `${formatCount(e.restarts)} times`}: what was
          logged again begins at env step 0, and what it replaced is not shown.
        </p>
      )}
    </>
  );
}

/** The video of the episode, or how to have one. */
function Video({
  of,
  playhead,
  envSteps,
}: {
  of: Which;
  playhead: Signal<number | null>;
  envSteps: number;
}) {
  const { name, environment, episode, version } = of;
  const video = useAnswer(
    (signal) => readVideo(name, environment, episode, signal),
    [environment, episode],
    version,
  );
  return (
    <AnswerState of={video.value}>
      {(parts) =>
        parts.length > 0 ? (
          <Player parts={parts} playhead={playhead} />
        ) : (
          <NoVideo name={name} playhead={playhead} envSteps={envSteps} />
        )
      }
    </AnswerState>
  );
}

function NoVideo({
  name,
  playhead,
  envSteps,
}: {
  name: RunName;
  playhead: Signal<number | null>;
  envSteps: number;
}) {
  useStepKeys(playhead, envSteps - 1);
  return (
    <div class="note no-video">
      <p>
        There is no video of this episode on the server. Videos are kept there when the run logs:
      </p>
      <pre>{`metrana.init(
    workspace_name=${JSON.stringify(name.workspace)},
    project_name=${JSON.stringify(name.project)},
    run_name=${JSON.stringify(name.run)},
    rendering_upload=True,
)
metrana.log_rendering(
    env.render(),
    rl_step=rl_step,
    episode=episode,
    env_id=env_id,
)`}</pre>
    </div>
  );
}

function AttributeTable({ all }: { all: Map<string, Value> }) {
  return (
    <table class="attributes">
      <caption>Attributes</caption>
      <tbody>
        {[...all].map(([path, value]) => (
          <tr key={path}>
            <th scope="row">{path}</th>
            <td>{formatAttribute(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface ChartsProps {
  of: Which;
  definitions: Definition[];
  facts: EpisodeFacts;
  playhead: Signal<number | null>;
}

/** A chart of each metric that is logged at env steps; all share cursor and playhead. */
function StepCharts({ of, definitions, facts, playhead }: ChartsProps) {
  const { name, environment, episode, version } = of;
  const compared = useParam("with", NUMBERS).value.filter((e) => e !== episode);
  const steps = definitions.filter((d) => d.scale === "ENVIRONMENT_STEP");
  const queries = steps.map(queryFor);
  const answer = useAnswer(
    async (signal) => {
      const shown = [episode, ...compared];
      const curves = await Promise.all(
        shown.map((e) => readEpisodeCurves(name, environment, e, queries, BUCKETS, signal)),
      );
      return shown.map((e, i) => ({ episode: e, curves: curves[i] ?? [] }));
    },
    [environment, episode, compared.join(), queries.join("\n")],
    version,
  );
  if (steps.length === 0) {
    return (
      <p class="note">
        This run logs nothing at env steps: <code>metrana.log_rl_environment_step</code> does.
      </p>
    );
  }
  return (
    <AnswerState of={answer.value}>
      {(episodes) => <ChartGrid episodes={episodes} facts={facts} playhead={playhead} />}
    </AnswerState>
  );
}

function ChartGrid({
  episodes,
  facts,
  playhead,
}: {
  episodes: { episode: number; curves: Curve[] }[];
  facts: EpisodeFacts;
  playhead: Signal<number | null>;
}) {
  const charts = useMemo(() => byMetric(episodes), [episodes]);
  const events = eventsOf(facts, episodes[0]?.curves ?? []);
  if (charts.length === 0) {
    return <p class="note">Nothing was logged at the env steps of this episode.</p>;
  }
  return (
    <div>
      <EventList events={events} playhead={playhead} />
      <div class="charts">
        {charts.map(({ metric, episodes: of }) => (
          <EpisodeChart
            key={metric}
            metric={metric}
            episodes={of}
            events={events}
            playhead={playhead}
          />
        ))}
      </div>
    </div>
  );
}

/** Charts of what takes a course; what tells of events is drawn as their marks. */
function byMetric(episodes: { episode: number; curves: Curve[] }[]) {
  const all = new Set(episodes.flatMap((e) => e.curves.map((c) => c.metric)));
  const metrics = [...all].filter((metric) => !isEvent(metric));
  return metrics.map((metric) => ({
    metric,
    episodes: episodes.map(({ episode, curves }) => ({
      episode,
      curves: curves.filter((c) => c.metric === metric),
    })),
  }));
}
