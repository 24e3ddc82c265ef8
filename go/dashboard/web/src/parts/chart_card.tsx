import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { type AxisName, axisFor, axisTitle, formatX } from "../lib/axis";
import { type ChartLine, type ChartLines, chartLines } from "../lib/chart_lines";
import { type ChartSettings, formatSettings, parseSettings } from "../lib/chart_settings";
import { formatCount, formatValue } from "../lib/format";
import { isDrawn, isolated, type LineChoice, toggled } from "../lib/line_choice";
import type { Stretch, Zoom } from "../lib/zoom";
import { type Curve, type RunNames, readCurves } from "../server/curves";
import { ChartMenu } from "./chart_menu";
import { CurvePlot } from "./curve_plot";
import { CurveTable } from "./curve_table";

interface Props {
  names: RunNames;
  metric: { metricName: string; scale: string };
  /** Curves are asked for again when this grows. */
  version: number;
  page: ChartSettings;
  /** What the chart has of its own, as chart_settings.ts writes it. */
  own: string;
  /** What charts are zoomed in on, by their axes. */
  zoom: Zoom;
  colourOf: (run: string, line: number) => string;
  /** Which lines are drawn. */
  choice: LineChoice;
  /** Without, the chart has no settings of its own. */
  onOwn?: (own: string) => void;
  onZoom: (axis: AxisName, stretch: Stretch | null) => void;
  onChoose: (choice: LineChoice) => void;
}

/** How many lines the legend names. */
const LEGEND_LINES = 8;
const PLOT_HEIGHT = 220;

/**
 * One chart of the workspace, of all series of a metric. It asks for as many buckets as it
 * is wide, for the stretch that is zoomed in on, and again when there is news; what it
 * shows stays until the answer is there.
 */
export function ChartCard(props: Props) {
  const { names, metric, version, page, own, zoom } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const at = useSignal<number | null>(null);
  const emphasised = useSignal<number | null>(null);
  const asTable = useSignal(false);
  const settings = parseSettings(own, page);
  const axis = axisFor(metric.scale, settings.axis);
  const stretch = zoom.get(axis) ?? null;
  useEffect(() => {
    width.value = box.current?.clientWidth ?? 0;
  }, []);
  const buckets = Math.min(Math.max(Math.round(width.value), 50), 5000);
  const answer = useAnswer(
    (signal) =>
      width.value === 0
        ? new Promise<Curve[]>(() => {})
        : readCurves(names, { metric, axis, range: stretch, buckets }, signal),
    [
      names.runs.join("\n"),
      metric.metricName,
      metric.scale,
      axis,
      stretch?.from,
      stretch?.to,
      width.value,
    ],
    version,
  );
  const curves = answer.value.value;
  const data = useComputed(() =>
    chartLines(answer.value.value ?? [], styleOf.value, names.runs.length),
  );
  const styleOf = useSignal(settings);
  if (formatSettings(settings, styleOf.peek()) !== "") styleOf.value = settings;
  const all = data.value;
  const allColours = all.lines.map((line, i) => props.colourOf(line.run, i));
  const { lines, places } = useMemo(() => chosenOf(all, props.choice), [all, props.choice]);
  const colours = places.map((place) => allColours[place] ?? "");
  const empty = curves !== null && lines.xs.length === 0;
  return (
    <figure
      class="chart card"
      data-metric={metric.metricName}
      data-scale={metric.scale}
      data-axis={axis}
      data-points={curves ? lines.points : undefined}
      data-buckets={curves ? lines.xs.length : undefined}
      data-first={lines.xs[0]}
    >
      <figcaption>
        <strong title={metric.metricName}>{metric.metricName}</strong>
        <span class="faint">
          {scaleNote(metric.scale)}
          {stretch
            ? `${axisTitle(axis)} ${formatX(axis, stretch.from)} to ${formatX(axis, stretch.to)}`
            : axisTitle(axis)}
        </span>
        {stretch && (
          <button type="button" onClick={() => props.onZoom(axis, null)}>
            Show all
          </button>
        )}
        <ChartMenu
          names={names}
          metric={metric}
          axis={axis}
          range={stretch}
          buckets={buckets}
          settings={settings}
          page={page}
          curves={curves ?? []}
          lines={lines}
          colours={colours}
          asTable={asTable}
          {...(props.onOwn ? { onOwn: props.onOwn } : {})}
        />
      </figcaption>
      <div class="plot" ref={box}>
        {asTable.value && curves && <CurveTable axis={axis} curves={curves} />}
        {!asTable.value && width.value > 0 && !empty && curves && (
          <CurvePlot
            data={lines}
            colours={colours}
            settings={settings}
            axis={axis}
            range={stretch}
            emphasised={emphasised.value}
            label={`${metric.metricName} along ${axisTitle(axis)}, ${lines.lines.length} lines`}
            height={PLOT_HEIGHT}
            onZoom={(next) => props.onZoom(axis, next)}
            onCursor={(place) => {
              at.value = place;
            }}
          />
        )}
        {answer.value.failure !== null && (
          <p class="note failed" role="alert">
            {answer.value.failure}
          </p>
        )}
        {curves === null && answer.value.failure === null && <p class="note">Loading…</p>}
        {empty && <p class="note">{emptyText(lines, stretch !== null)}</p>}
      </div>
      {curves && (
        <Legend
          lines={all}
          places={places}
          colours={allColours}
          at={at}
          axis={axis}
          emphasised={emphasised}
          choice={props.choice}
          onChoose={props.onChoose}
        />
      )}
    </figure>
  );
}

/** The lines that are drawn, and the places that these have among all. */
function chosenOf(all: ChartLines, choice: LineChoice): { lines: ChartLines; places: number[] } {
  const places = all.lines.flatMap((line, place) => (isDrawn(choice, line.key) ? [place] : []));
  const lines = all.lines.filter((line) => isDrawn(choice, line.key));
  return { lines: lines.length === all.lines.length ? all : { ...all, lines }, places };
}

/** What a point of a chart is of, where that is not said by its axis. */
function scaleNote(scale: string): string {
  if (scale === "EPISODE") return "episodes, by ";
  return scale === "ENVIRONMENT_STEP" ? "env steps, by " : "";
}

function emptyText(lines: ChartLines, zoomed: boolean): string {
  if (lines.lines.some((line) => notFinite(line) > 0)) {
    return "Every point is NaN or infinite here.";
  }
  return zoomed
    ? "No points in this stretch. Double-click a chart to see all."
    : "No points along this axis. Choose another one above.";
}

/** How many stretches of a line hold something that is not finite, for each kind. */
function notFinite({ nans, infinities, negativeInfinities }: ChartLine): number {
  return nans.length + infinities.length + negativeInfinities.length;
}

interface LegendProps {
  /** Also those that are not drawn. */
  lines: ChartLines;
  /** Of the lines that are drawn. */
  places: readonly number[];
  colours: readonly string[];
  /** Place of the cursor; a signal, so that moving it draws the legend alone. */
  at: ReadonlySignal<number | null>;
  axis: AxisName;
  emphasised: Signal<number | null>;
  choice: LineChoice;
  onChoose: (choice: LineChoice) => void;
}

/**
 * The lines with their values at the cursor, or else their last. The pointer on a name
 * makes others pale, a click draws its line alone, one with Alt hides it.
 */
function Legend(props: LegendProps) {
  const { lines, places, colours, at, axis, emphasised } = props;
  const shown = lines.lines.slice(0, LEGEND_LINES);
  const place = at.value;
  const x = place === null ? undefined : lines.xs[place];
  return (
    <ul class="legend">
      {shown.map((line, i) => (
        <li
          key={line.label}
          class={places.includes(i) ? undefined : "hidden-line"}
          onMouseEnter={() => {
            emphasised.value = places.includes(i) ? places.indexOf(i) : null;
          }}
          onMouseLeave={() => {
            emphasised.value = null;
          }}
        >
          <svg width="10" height="3" aria-hidden="true">
            <rect width="10" height="3" rx="1.5" fill={colours[i]} />
          </svg>
          <LineName line={line} drawn={places.includes(i)} {...props} />
          <span class="value">{valueAt(line.values, place)}</span>
          {notFinite(line) > 0 && (
            <span
              class="failed"
              title="Stretches with points that are NaN (triangles), ∞ (diamonds at the top) or −∞ (diamonds at the bottom)"
            >
              {notFinite(line)} not finite
            </span>
          )}
        </li>
      ))}
      {lines.lines.length > shown.length && (
        <li>and {formatCount(lines.lines.length - shown.length)} more</li>
      )}
      <li class="faint">
        {x === undefined
          ? `${formatCount(lines.points)} ${lines.points === 1 ? "point" : "points"}`
          : `at ${formatX(axis, x)}`}
      </li>
    </ul>
  );
}

interface LineNameProps {
  line: ChartLine;
  drawn: boolean;
  choice: LineChoice;
  onChoose: (choice: LineChoice) => void;
}

function LineName({ line, drawn, choice, onChoose }: LineNameProps) {
  if (line.label === "") return null;
  if (line.key === "") {
    return (
      <span class="name" title={line.label}>
        {line.label}
      </span>
    );
  }
  return (
    <button
      type="button"
      class="name"
      aria-pressed={drawn}
      title={`${line.label}: click to draw it alone, Alt-click to hide it`}
      onClick={(event) =>
        onChoose(event.altKey ? toggled(choice, line.key) : isolated(choice, line.key))
      }
    >
      {line.label}
    </button>
  );
}

function valueAt(values: readonly (number | null)[], at: number | null): string {
  const shown = at === null ? values.findLast((v) => v !== null) : values[at];
  return shown === null || shown === undefined ? "" : formatValue(shown);
}
