import { useSignal } from "@preact/signals";
import { useAnswer } from "../ask";
import { limitsOf } from "../lib/cells";
import {
  type EpisodeFilter,
  EVERYTHING,
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
import { formatCount, formatDuration, formatValue } from "../lib/format";
import { hrefOf } from "../lib/route";
import { type Codec, setParams, TEXT, useParam } from "../params";
import { AnswerState } from "../parts/answer_state";
import { Histogram } from "../parts/histogram";
import { MetricPicker } from "../parts/metric_picker";
import { Scatter } from "../parts/scatter";
import { SortHeader } from "../parts/sort_header";
import { useRunVersion } from "../run_version";
import { listMetrics, type RunName } from "../server";
import {
  type Episode,
  type EpisodeHistogram,
  type EpisodeSort,
  type HistogramAxis,
  listEpisodes,
  readHistogram,
} from "../server/episodes";
import "../styles/episodes.css";

/** How many episodes a page of the table has. */
const PAGE = 100;
const HISTOGRAM_BINS = 60;
const SCATTER_BINS = { across: 120, upwards: 80 };

const NAMES: Codec<string[]> = { parse: parseNames, format: formatNames };
const STRETCH: Codec<Stretch> = { parse: parseStretch, format: formatStretch };

/** The episodes of a run, by page: what they came to, and how they are spread. */
export function EpisodesPage(name: RunName) {
  const version = useRunVersion(name);
  const metrics = useAnswer(
    (signal) => listMetrics(name, signal),
    [name.workspace, name.project, name.run, version.value],
  );
  return (
    <>
      <h1>Episodes</h1>
      <AnswerState of={metrics.value}>
        {(definitions) => <Body name={name} version={version.value} definitions={definitions} />}
      </AnswerState>
    </>
  );
}

interface BodyProps {
  name: RunName;
  version: number;
  definitions: Definition[];
}

interface Shared {
  name: RunName;
  version: number;
  metric: EpisodeMetric;
  /** What the run calls an episode's length, where it logs one. */
  length: EpisodeMetric | null;
  filter: EpisodeFilter;
}

function Body({ name, version, definitions }: BodyProps) {
  const param = useParam("metric", TEXT);
  const filter = useFilter();
  const known = episodeMetrics(definitions);
  const metric = parseMetric(param.value) ?? returnOf(known);
  if (!metric) return <NoEpisodes />;
  const shared = { name, version, metric, length: lengthOf(known), filter };
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
      <Spread {...shared} />
      <EpisodeTable {...shared} />
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

/** A text that tells filters apart. */
function textOf({ environments, episodes, rlSteps, values }: EpisodeFilter): string {
  return [formatNames(environments), ...[episodes, rlSteps, values].map(formatStretch)].join(" ");
}

function Filters({ filter, metric }: { filter: EpisodeFilter; metric: EpisodeMetric }) {
  const fields: [string, string, string, string][] = [
    ["Environments", "env", formatNames(filter.environments), "env-0,env-1"],
    ["Episodes", "episodes", formatStretch(filter.episodes), "0..100"],
    ["Updates", "rl_steps", formatStretch(filter.rlSteps), "0..50"],
    [titleOf(metric), "values", formatStretch(filter.values), "200.."],
  ];
  const chosen = fields.some(([, , text]) => text !== "");
  return (
    <>
      {fields.map(([title, param, text, example]) => (
        <label key={param}>
          {title}
          <input
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

/** How episodes are spread: over the metric, and over its length and the metric. */
function Spread({ name, version, metric, length, filter }: Shared) {
  const metrics = length ? [metric, length] : [metric];
  const free = { ...filter, values: EVERYTHING };
  const key = [version, formatMetric(metric), length?.name];
  const histogram = useAnswer(
    (signal) =>
      readHistogram(name, metrics, free, { metric: 0, bins: HISTOGRAM_BINS }, null, signal),
    [...key, textOf(free)],
  );
  const scatter = useAnswer(
    (signal) => readScatter(name, metric, length, filter, signal),
    [...key, textOf(filter)],
  );
  return (
    <div class="spread">
      <section>
        <h2>Distribution of {titleOf(metric)}</h2>
        <AnswerState of={histogram.value}>
          {(h) => (
            <>
              {h.total > 0 && (
                <Histogram
                  counts={h.counts}
                  first={h.firstX}
                  last={h.lastX}
                  title={titleOf(metric)}
                  onBrush={(from, to) =>
                    setParams({
                      values: formatStretch({ from: short(from), to: short(to) }),
                      page: "",
                    })
                  }
                />
              )}
              <p class="note">{countedText(h)} Drag over bars to choose.</p>
            </>
          )}
        </AnswerState>
      </section>
      <section>
        <h2>
          {titleOf(metric)} and {scatter.value.value?.axis ?? "length"}
        </h2>
        <AnswerState of={scatter.value}>
          {({ histogram: h, axis }) => (
            <>
              {h.total > 0 && (
                <Scatter
                  histogram={h}
                  xTitle={axis}
                  yTitle={titleOf(metric)}
                  limits={limitsOf(h.counts)}
                />
              )}
              <p class="note">
                {countedText(h)} Every episode is in one of {h.columns} × {h.rows} bins; brighter
                means more, on a logarithmic scale.
              </p>
            </>
          )}
        </AnswerState>
      </section>
    </div>
  );
}

/** Six digits are what an address needs of an edge. */
function short(value: number): number {
  return Number(value.toPrecision(6));
}

function countedText({ total, notFinite }: EpisodeHistogram): string {
  const left = notFinite > 0 ? `, ${formatCount(notFinite)} more have no finite number yet` : "";
  return `${formatCount(total)} episodes${left}.`;
}

/** Return over length: env steps where the run has them, else what it logs as a length. */
async function readScatter(
  name: RunName,
  metric: EpisodeMetric,
  length: EpisodeMetric | null,
  filter: EpisodeFilter,
  signal: AbortSignal,
): Promise<{ histogram: EpisodeHistogram; axis: string }> {
  const metrics = length ? [metric, length] : [metric];
  const y: HistogramAxis = { metric: 0, bins: SCATTER_BINS.upwards };
  const read = (x: HistogramAxis) => readHistogram(name, metrics, filter, x, y, signal);
  const histogram = await read({ length: true, bins: SCATTER_BINS.across });
  if (histogram.lastX > 0 || !length) return { histogram, axis: "length in env steps" };
  return { histogram: await read({ metric: 1, bins: SCATTER_BINS.across }), axis: titleOf(length) };
}

/** One page of episodes, in the order that the address says. */
function EpisodeTable({ name, version, metric, length, filter }: Shared) {
  const sorted = useParam("sort", TEXT).value || "-started";
  const page = useParam("page", TEXT).value;
  const before = useSignal<string[]>([]);
  const descending = sorted.startsWith("-");
  const sort = (descending ? sorted.slice(1) : sorted) as EpisodeSort;
  const answer = useAnswer(
    (signal) =>
      listEpisodes(
        name,
        {
          metrics: length && length.name !== metric.name ? [metric, length] : [metric],
          filter,
          sort,
          descending,
          limit: PAGE,
          page,
        },
        signal,
      ),
    [version, formatMetric(metric), textOf(filter), sorted, page],
  );
  const onSort = (column: string, down: boolean) => {
    before.value = [];
    setParams({ sort: `${down ? "-" : ""}${column}`, page: "" });
  };
  const headers: [string, EpisodeSort, boolean][] = [
    ["Environment", "environment", false],
    ["Episode", "episode", true],
    ["Update", "rl_step", true],
    [titleOf(metric), "metric0", true],
    ["Length", "length", true],
    ["Started", "started", true],
  ];
  return (
    <section>
      <h2>Episodes</h2>
      <AnswerState of={answer.value}>
        {({ episodes, total, next }) => (
          <>
            <div class="scroll">
              <table data-total={total}>
                <thead>
                  <tr>
                    {headers.map(([title, column, numeric]) => (
                      <SortHeader
                        key={column}
                        {...{ title, column, numeric, sort, descending, onSort }}
                      />
                    ))}
                    <th scope="col" class="number">
                      Took
                    </th>
                    <SortHeader
                      title="Restarts"
                      column="restarts"
                      numeric
                      {...{ sort, descending, onSort }}
                    />
                  </tr>
                </thead>
                <tbody>
                  {episodes.map((e) => (
                    <Row
                      key={`${e.environment} ${e.episode}`}
                      name={name}
                      metric={metric}
                      episode={e}
                    />
                  ))}
                </tbody>
              </table>
            </div>
            {total === 0 && <p class="note">No episode passes: change the filters above.</p>}
            <p class="pager">
              <span>{formatCount(total)} episodes</span>
              <button
                type="button"
                disabled={page === ""}
                onClick={() => {
                  const earlier = before.value.at(-1) ?? "";
                  before.value = before.value.slice(0, -1);
                  setParams({ page: earlier });
                }}
              >
                {page !== "" && before.value.length === 0 ? "First page" : "Previous"}
              </button>
              <button
                type="button"
                disabled={next === ""}
                onClick={() => {
                  before.value = [...before.value, page];
                  setParams({ page: next });
                }}
              >
                Next
              </button>
            </p>
          </>
        )}
      </AnswerState>
    </section>
  );
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function Row({
  name,
  metric,
  episode: e,
}: {
  name: RunName;
  metric: EpisodeMetric;
  episode: Episode;
}) {
  const search = new URLSearchParams({ env: e.environment, episode: String(e.episode) });
  const [value, length] = e.metrics;
  return (
    <tr>
      <th scope="row">{e.environment}</th>
      <td class="number">
        <a
          href={`${hrefOf({ page: "episode", ...name })}?${search}`}
          aria-label={`Episode ${e.episode} of ${e.environment}`}
        >
          {formatCount(e.episode)}
        </a>
      </td>
      <td class="number">
        {e.firstRlStep === e.lastRlStep
          ? formatCount(e.firstRlStep)
          : `${formatCount(e.firstRlStep)} to ${formatCount(e.lastRlStep)}`}
      </td>
      <td class="number" title={titleOf(metric)}>
        {formatNumber(value)}
      </td>
      <td class="number">{e.envSteps > 0 ? formatCount(e.envSteps) : formatNumber(length)}</td>
      <td class="number">{TIME.format(e.firstTime)}</td>
      <td class="number">{formatTook(e.lastTime - e.firstTime)}</td>
      <td class="number">{e.restarts > 0 ? formatCount(e.restarts) : ""}</td>
    </tr>
  );
}

function formatTook(milliseconds: number): string {
  return milliseconds < 10_000
    ? `${formatValue(milliseconds / 1000)} s`
    : formatDuration(milliseconds / 1000);
}

function formatNumber(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "" : formatValue(value);
}
