import { useAnswer } from "../ask";
import { limitsOf } from "../lib/cells";
import { EVERYTHING, formatStretch } from "../lib/episode_filter";
import { type EpisodeMetric, formatMetric, titleOf } from "../lib/episode_metrics";
import { formatCount } from "../lib/format";
import { setParams } from "../params";
import { type EpisodeHistogram, type HistogramAxis, readHistogram } from "../server/episodes";
import { AnswerState } from "./answer_state";
import { type EpisodesShown, textOf } from "./episodes_shown";
import { Histogram } from "./histogram";
import { Scatter } from "./scatter";

const HISTOGRAM_BINS = 60;
const SCATTER_BINS = { across: 120, upwards: 80 };

/** How episodes are spread: over the metric, and over its length and the metric. */
export function Spread(shown: EpisodesShown) {
  const { name, version, metric, filter } = shown;
  const axis = lengthAxis(shown);
  const free = { ...filter, values: EVERYTHING };
  const histogram = useAnswer(
    (signal) =>
      readHistogram(name, [metric], free, { metric: 0, bins: HISTOGRAM_BINS }, null, signal),
    [formatMetric(metric), textOf(free)],
    version,
  );
  const scatter = useAnswer(
    (signal) => {
      const y = { metric: 0, bins: SCATTER_BINS.upwards };
      return readHistogram(name, [metric, ...axis.metrics], filter, axis.x, y, signal);
    },
    [formatMetric(metric), textOf(filter), axis.title],
    version,
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
          {titleOf(metric)} and {axis.title}
        </h2>
        <AnswerState of={scatter.value}>
          {(h) => (
            <>
              {h.total > 0 && (
                <Scatter
                  histogram={h}
                  xTitle={axis.title}
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

/** What length is: env steps where the run has them, else what it logs as a length. */
function lengthAxis({ length, hasSteps }: EpisodesShown): {
  title: string;
  metrics: EpisodeMetric[];
  x: HistogramAxis;
} {
  const bins = SCATTER_BINS.across;
  return hasSteps || !length
    ? { title: "length in env steps", metrics: [], x: { length: true, bins } }
    : { title: titleOf(length), metrics: [length], x: { metric: 1, bins } };
}
