import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useAnswer } from "../ask";
import { episodeSearch, isFiltered } from "../lib/episode_filter";
import { type EpisodeMetric, formatMetric, titleOf } from "../lib/episode_metrics";
import { formatCount, formatDuration, formatValue } from "../lib/format";
import { formatAttribute } from "../lib/format_attribute";
import { formatMoment } from "../lib/moment";
import { episodeHref } from "../lib/route";
import { setParams, TEXT, useParam } from "../params";
import type { RunName } from "../server";
import { type Episode, type EpisodeSort, listEpisodes } from "../server/episodes";
import { findVideos, videoKey } from "../server/renderings";
import { AnswerState } from "./answer_state";
import { type EpisodesShown, textOf } from "./episodes_shown";
import { SortHeader } from "./sort_header";

/** How many episodes a page of the table has. */
const PAGE = 100;
/** How many attributes have a column. */
const MOST_ATTRIBUTES = 8;

interface Props extends EpisodesShown {
  /** Is told when the first page is there. */
  onListed: () => void;
}

/** One page of episodes, in the order that the address says. */
export function EpisodeTable(props: Props) {
  const { name, version, metric, length, filter, onListed } = props;
  const attributes = props.attributes.slice(0, MOST_ATTRIBUTES);
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
          attributes,
          filter,
          sort,
          descending,
          limit: PAGE,
          page,
        },
        signal,
      ),
    [formatMetric(metric), textOf(filter), sorted, page, attributes.join("\n")],
    version,
  );
  useEffect(() => {
    if (!answer.value.loading) onListed();
  }, [answer.value.loading]);
  const shown = answer.value.value?.episodes ?? [];
  const videos = useAnswer((signal) => findVideos(name, shown, signal), [answer.value.value]);
  const among = isFiltered(filter)
    ? episodeSearch(filter, formatMetric(metric), name.inherited).slice(1)
    : "";
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
    ["Started (UTC)", "started", true],
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
                    {attributes.map((path) => (
                      <th key={path} scope="col">
                        {path}
                      </th>
                    ))}
                    <th scope="col">Video</th>
                  </tr>
                </thead>
                <tbody>
                  {episodes.map((e) => (
                    <Row
                      key={`${e.environment} ${e.episode}`}
                      name={name}
                      metric={metric}
                      episode={e}
                      among={among}
                      attributes={attributes}
                      video={videos.value.value?.has(videoKey(e.environment, e.episode)) ?? false}
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

function Row({
  name,
  metric,
  episode: e,
  among,
  attributes,
  video,
}: {
  name: RunName;
  metric: EpisodeMetric;
  episode: Episode;
  among: string;
  attributes: string[];
  video: boolean;
}) {
  const [value, length] = e.metrics;
  return (
    <tr>
      <th scope="row">{e.environment}</th>
      <td class="number">
        <a
          href={episodeHref(name, e.environment, e.episode, among)}
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
      <td class="number">{formatMoment(e.firstTime)}</td>
      <td class="number">{formatTook(e.lastTime - e.firstTime)}</td>
      <td class="number">{e.restarts > 0 ? formatCount(e.restarts) : ""}</td>
      {attributes.map((path) => (
        <td key={path}>{formatAttribute(e.attributes.get(path))}</td>
      ))}
      <td>{video ? "▶ video" : ""}</td>
    </tr>
  );
}

function formatTook(milliseconds: number): string {
  return milliseconds < 10_000
    ? `${formatValue(milliseconds / 1000)} s`
    : formatDuration(milliseconds / 1000);
}

function formatNumber(value: number | undefined): string {
  return value === undefined ? "" : formatValue(value);
}
