import { useAnswer } from "../ask";
import { limitsOf } from "../lib/cells";
import { type EpisodeFilter, EVERYTHING, formatStretch } from "../lib/episode_filter";
import { type EpisodeMetric, formatMetric, titleOf } from "../lib/episode_metrics";
import { formatCount } from "../lib/format";
import { setParams } from "../params";
import type { RunName } from "../server";
import { type EpisodeHistogram, type HistogramAxis, readHistogram } from "../server/episodes";
import { AnswerState } from "./answer_state";
import { type EpisodesShown, textOf } from "./episodes_shown";
import { Histogram } from "./histogram";
import { Scatter } from "./scatter";

const HISTOGRAM_BINS = 60;
const SCATTER_BINS = { across: 120, upwards: 80 };

/** How episodes are spread: over the metric, and over its length and the metric. */
export function Spread({ name, version, metric, length, filter }: EpisodesShown) {
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
                  onBrush={choose}
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
                  onBrush={choose}
                />
              )}
              <p class="note">
                {countedText(h)} Every episode is in one of {h.columns} × {h.rows} bins; brighter
                means more, on a logarithmic scale. Drag to choose by {titleOf(metric)}.
              </p>
            </>
          )}
        </AnswerState>
      </section>
    </div>
  );
}

/** Shows the episodes whose metric lies in a stretch. */
function choose(from: number, to: number): void {
  setParams({ values: formatStretch({ from: short(from), to: short(to) }), page: "" });
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
