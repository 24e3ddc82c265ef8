import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask";
import { useAtMostEvery } from "../at_most_every";
import { axisTitle, formatX } from "../lib/axis";
import { colourOf, partsOf } from "../lib/colour";
import { withGaps } from "../lib/columns";
import { binMiddles, densityPixels, drawnXs, drawnYs, fullest } from "../lib/density";
import { formatCount, formatValue } from "../lib/format";
import type { Stretch } from "../lib/zoom";
import type { ShownRun } from "../server";
import { type DensityAxis, type EpisodeDensity, readDensity } from "../server/episodes";
import { AnswerState } from "./answer_state";
import { type Backdrop, type BandLine, BandPlot } from "./band_plot";

interface Props {
  name: ShownRun;
  metric: { metricName: string; scale: string };
  /** Only episodes that are evaluations, or that are none; null: all. */
  evaluation: boolean | null;
  axis: DensityAxis;
  version: number;
  range: Stretch | null;
  onZoom: (range: Stretch | null) => void;
}

/** Few enough for some episodes to be in each, of which there is a mean. */
const COLUMNS = 120;
const ROWS = 72;
const HEIGHT = 220;

/** How often it is asked for anew at most, in milliseconds: all episodes are gone over. */
const PERIOD = 3000;

const DENSITY_COLOUR = colourOf(0);
const LINE_COLOUR = colourOf(1);

/**
 * The value of each episode along updates or env steps: how many there are where, their
 * interquartile mean and the stretch from the 10th to the 90th percentile. It is asked for the
 * stretch that is zoomed in on.
 */
export function EpisodeDensityChart(props: Props) {
  const { name, metric, evaluation, axis, range } = props;
  const answer = useAnswer(
    (signal) =>
      readDensity(
        name,
        {
          metric: { ...metric, evaluation },
          axis,
          range,
          columns: COLUMNS,
          rows: ROWS,
        },
        signal,
      ),
    [...Object.values(name), metric.metricName, evaluation, axis, range?.from, range?.to],
    useAtMostEvery(props.version, PERIOD),
  );
  const title = metric.metricName;
  const shown = answer.value.value;
  return (
    <figure
      class="chart card density"
      data-density={metric.metricName}
      data-axis={axis}
      data-evaluation={evaluation ?? undefined}
      data-episodes={shown?.total}
      data-last={shown?.lastX}
    >
      <figcaption>
        <strong title={title}>{title}</strong>
        <span class="faint">
          {evaluation === true && "evaluations, "}
          {evaluation === false && "training, "}
          each episode by {axisTitle(axis)}
        </span>
        {range && (
          <button type="button" onClick={() => props.onZoom(null)}>
            Show all
          </button>
        )}
      </figcaption>
      <AnswerState of={answer.value}>
        {(density) =>
          density.total === 0 ? (
            <p class="note">
              No episode has a finite {title} {range ? "in this stretch." : "here yet."}
            </p>
          ) : (
            <Drawn density={density} {...props} />
          )
        }
      </AnswerState>
    </figure>
  );
}

function Drawn({ density, metric, axis, range, onZoom }: Props & { density: EpisodeDensity }) {
  const cursor = useSignal<number | null>(null);
  const { xs, lines, backdrop } = useMemo(() => drawn(density), [density]);
  return (
    <>
      <div class="plot">
        <BandPlot
          xs={xs}
          lines={lines}
          backdrop={backdrop}
          range={range}
          height={HEIGHT}
          syncKey={`along ${axis}`}
          onZoom={onZoom}
          onCursor={(at) => {
            cursor.value = at;
          }}
          label={`${metric.metricName} of each episode along ${axisTitle(axis)}: ${formatCount(density.total)} episodes`}
        />
      </div>
      <Legend density={density} xs={xs} axis={axis} at={cursor} />
    </>
  );
}

function drawn(density: EpisodeDensity): {
  xs: number[];
  lines: BandLine[];
  backdrop: Backdrop;
} {
  const xs = binMiddles(density);
  const lines: BandLine[] = [
    {
      label: "IQM",
      colour: LINE_COLOUR,
      values: withGaps(density.iqm),
      band: { low: withGaps(density.low), high: withGaps(density.high) },
      bandStyle: "edges",
    },
  ];
  const backdrop = { image: imageOf(density), x: drawnXs(density), y: drawnYs(density) };
  return { xs, lines, backdrop };
}

/** A picture of one pixel a bin. */
function imageOf(density: EpisodeDensity): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = density.columns;
  canvas.height = density.rows;
  const pixels = densityPixels(density, partsOf(DENSITY_COLOUR));
  const image = new ImageData(pixels, density.columns, density.rows);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}

interface LegendProps {
  density: EpisodeDensity;
  xs: number[];
  axis: DensityAxis;
  at: ReadonlySignal<number | null>;
}

/** What line, band and colours mean, with the values under the cursor, or the last ones. */
function Legend({ density, xs, axis, at }: LegendProps) {
  const place = at.value ?? density.iqm.findLastIndex((v) => !Number.isNaN(v));
  const text = (column: Float64Array) => {
    const value = column[place] ?? Number.NaN;
    return Number.isNaN(value) ? "" : formatValue(value);
  };
  const most = fullest(density);
  return (
    <ul class="legend">
      <li title="Interquartile mean: the mean of the middle half of the episodes">
        <span class="swatch" style={{ background: LINE_COLOUR }} />
        IQM <span class="value">{text(density.iqm)}</span>
      </li>
      <li title="From the 10th to the 90th percentile of the episodes">
        <span class="swatch edges" style={{ borderColor: LINE_COLOUR }} />
        p10 to p90{" "}
        <span class="value">
          {text(density.low) && `${text(density.low)} to ${text(density.high)}`}
        </span>
      </li>
      <li title="How many episodes there are, by colour">
        <span class="swatch band" style={{ background: `${DENSITY_COLOUR}40` }} />1
        {most > 1 && (
          <>
            <span class="swatch band" style={{ background: DENSITY_COLOUR }} />
            {formatCount(most)} episodes
          </>
        )}
      </li>
      {density.beyond > 0 && (
        <li title="Their values are too far from the others to be drawn; IQM and percentiles count them">
          {formatCount(density.beyond)} far away
        </li>
      )}
      <li
        class="faint"
        title={`${formatCount(density.notFinite)} more have no finite value: they are not over, or it is NaN`}
      >
        {at.value === null
          ? `${formatCount(density.total)} episodes`
          : `at ${formatX(axis, xs[at.value] ?? 0)}`}
      </li>
    </ul>
  );
}
