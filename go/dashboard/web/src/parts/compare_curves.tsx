import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask";
import type { AxisName } from "../lib/axis";
import { withGaps } from "../lib/columns";
import { formatCount, formatValue } from "../lib/format";
import { type Normalisation, normalisationText } from "../lib/normalisation";
import { ESTIMATOR_TITLES } from "../lib/statistics";
import { intervalText } from "../lib/statistics_export";
import { formatZoom, type Stretch, ZOOM, zoomed } from "../lib/zoom";
import { setParams, useParam } from "../params";
import {
  type GroupCurves,
  readStatistics,
  type SampleCurve,
  type Statistics,
  type StatisticsAxis,
  type StatisticsQuestion,
  unitOf,
} from "../server/statistics";
import { type BandLine, BandPlot } from "./band_plot";
import { CompareExport } from "./compare_export";
import { CompareTable } from "./compare_table";
import { BAND_TITLES, type FiguresProps, groupColours } from "./comparison";

/** How many pale curves of single samples a group has at most. */
const MOST_FAINT = 40;

/** What charts call the axes of figures: both zoom together. */
const CHART_AXES: Record<StatisticsAxis, AxisName> = {
  step: "step",
  update: "update",
  "env steps": "total",
  episode: "episode",
  "seconds since the start": "relative",
};

interface CurvesProps extends FiguresProps {
  threshold: number | null;
  /** Grows with what the runs take in. */
  version?: number;
}

/**
 * The curves of groups. A stretch that is zoomed in on has a grid of its own; until that is
 * there it is shown as it was.
 */
export function LearningCurves({ version = 0, ...props }: CurvesProps) {
  const { of, question, statistics } = props;
  const axis = CHART_AXES[question.axis];
  const zoom = useParam("zoom", ZOOM).value;
  const range = zoom.get(axis) ?? null;
  const asked = range && { ...question, range, normalisation: scaledAs(question, statistics) };
  const { value, failure } = useAnswer(
    async (signal) => asked && readStatistics(of, asked, signal),
    [JSON.stringify(asked)],
    version,
  ).value;
  const refined = asked && value ? { question: asked, statistics: value } : {};
  return (
    <>
      {failure !== null && (
        <p class="note failed" role="alert">
          The server did not answer this: {failure}
        </p>
      )}
      <CurvesFigure
        {...props}
        {...refined}
        range={range}
        onZoom={(next) => setParams({ zoom: formatZoom(zoomed(zoom, axis, next)) })}
      />
    </>
  );
}

/** The scales of a whole figure, given: those of a part of it would be others. */
function scaledAs({ normalisation }: StatisticsQuestion, { scales }: Statistics): Normalisation {
  return { ...normalisation, scales };
}

interface FigureProps extends FiguresProps {
  threshold: number | null;
  /** What is zoomed in on, in the server's units. */
  range: Stretch | null;
  onZoom: (range: Stretch | null) => void;
}

/** Both ends of a stretch in other units. */
function times(range: Stretch | null, factor: number): Stretch | null {
  return range && { from: range.from * factor, to: range.to * factor };
}

/** Each group's estimate with its band, over the samples that it sums up. */
function CurvesFigure({ range, onZoom, ...figure }: FigureProps) {
  const { of, metric, question, statistics, threshold } = figure;
  const unit = unitOf(question.axis);
  const cursor = useSignal<number | null>(null);
  const asTable = useSignal(false);
  const { grid, groups } = statistics;
  const lines = useMemo(() => curveLines(groups), [groups]);
  const colourOf = groupColours(groups);
  const label = `${metric.metricName} of ${groups.map((g) => g.name).join(", ")} along ${question.axis}`;
  const method = methodText(question, statistics);
  return (
    <figure class="chart compare" data-groups={groups.length}>
      <figcaption>
        <strong>{metric.metricName}</strong>
        <span class="faint">along {question.axis}</span>
        {range && (
          <button type="button" onClick={() => onZoom(null)}>
            Show all
          </button>
        )}
        <CompareExport
          asTable={asTable}
          of={of}
          metric={metric}
          question={question}
          statistics={statistics}
          lines={lines}
          threshold={threshold}
          method={method}
        />
      </figcaption>
      {asTable.value ? (
        <CompareTable label={label} axis={question.axis} grid={grid} groups={groups} />
      ) : (
        <BandPlot
          xs={grid}
          lines={lines}
          height={380}
          threshold={threshold}
          range={times(range, 1 / unit)}
          onZoom={(picked) => onZoom(times(picked, unit))}
          onCursor={(at) => {
            cursor.value = at;
          }}
          label={label}
        />
      )}
      <ul class="legend">
        {groups.map((group) => (
          <li key={group.name}>
            <span class="swatch" style={{ background: colourOf(group.name) }} />
            <span>{group.name}</span>
            <span class="value">{textAt(group, cursor.value)}</span>
            <span class="faint">n = {countAt(group, cursor.value)}</span>
          </li>
        ))}
        {cursor.value !== null && (
          <li class="faint">
            at {question.axis} {formatValue(grid[cursor.value] ?? 0)}
          </li>
        )}
      </ul>
      <p class="method">{method}</p>
    </figure>
  );
}

function curveLines(groups: GroupCurves[]): BandLine[] {
  const colourOf = groupColours(groups);
  const faint = groups.flatMap((group) =>
    group.samples.slice(0, MOST_FAINT).map((sample) => ({
      label: `${group.name} ${sampleName(sample)}`,
      colour: colourOf(group.name),
      values: withGaps(sample.values),
      faint: true,
    })),
  );
  const estimates = groups.map((group) => ({
    label: group.name,
    colour: colourOf(group.name),
    values: withGaps(group.values),
    ...(group.low && group.high
      ? { band: { low: withGaps(group.low), high: withGaps(group.high) } }
      : {}),
  }));
  return [...faint, ...estimates];
}

function sampleName({ run, environment }: SampleCurve): string {
  return environment === "" ? run : `${run} ${environment}`;
}

function textAt(group: GroupCurves, at: number | null): string {
  const place = at ?? group.values.findLastIndex((v) => !Number.isNaN(v));
  return intervalText({
    value: group.values[place] ?? Number.NaN,
    low: group.low?.[place] ?? Number.NaN,
    high: group.high?.[place] ?? Number.NaN,
  });
}

function countAt(group: GroupCurves, at: number | null): string {
  return formatCount(at === null ? group.samples.length : (group.counts[at] ?? 0));
}

/** All that a figure has to say of how it was made. */
function methodText(question: StatisticsQuestion, { grid, groups, scales }: Statistics): string {
  const unit = question.unit === "run" ? "runs" : "environments of runs";
  const n = groups.map((g) => `${g.name} ${formatCount(g.samples.length)}`).join(", ");
  const more = groups.some((g) => g.samples.length > MOST_FAINT);
  return [
    `Line: ${ESTIMATOR_TITLES[question.estimator]} of ${unit} (n: ${n}).`,
    bandText(question),
    `Grid: ${grid.length} even points from ${formatValue(grid[0] ?? 0)} to ${formatValue(grid.at(-1) ?? 0)}; samples are ${pointsText(question)} and have no value beyond their ends.`,
    normalisationText(question.normalisation, scales),
    ...(question.inherited ? ["Forked runs have the points of their parents, too."] : []),
    more ? `Pale: the first ${MOST_FAINT} samples of each group.` : "Pale: the samples.",
  ].join(" ");
}

function pointsText({ binMeans }: StatisticsQuestion): string {
  return binMeans
    ? "the means of their points around each grid point, linear between these,"
    : "linear between their points";
}

function bandText({ band, resamples }: StatisticsQuestion): string {
  if (band === "none") return "";
  const how = band === "ci" ? ` (percentile method, ${formatCount(resamples)} resamples)` : "";
  return `Band: ${BAND_TITLES[band]}${how}.`;
}
