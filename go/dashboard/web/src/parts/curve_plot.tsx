import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import { type AxisName, isCount, isTime } from "../lib/axis";
import { tickSpace } from "../lib/axis_ticks";
import type { ChartLine, ChartLines } from "../lib/chart_lines";
import type { ChartSettings } from "../lib/chart_settings";
import type { DrawnLines, DrawnPoint } from "../lib/drawn_points";
import { envelopeOpacity, translucent } from "../lib/envelope_opacity";
import { formatValue } from "../lib/format";
import { lonePlaces } from "../lib/lone_places";
import { isMetricAxis } from "../lib/metric_axis";
import { ticksOf, WHOLE_STEPS } from "../lib/ticks";
import { logStep, TIME_STEPS, tickLabel } from "../lib/time_ticks";
import type { ValueRange } from "../lib/value_range";
import { xRange } from "../lib/x_range";
import { yRange } from "../lib/y_range";
import type { Range } from "../server";
import { watchTheme } from "../theme_watch";
import { type OnZoom, reportPicked, zoomingCursor } from "./drag_zoom";
import { drawEnvelopes } from "./draw_envelopes";
import { fitWidth } from "./fit_width";
import { type PlotPick, watchPicks } from "./plot_picks";

interface Props {
  data: ChartLines;
  colours: readonly string[];
  settings: ChartSettings;
  axis: AxisName;
  /** The stretch that is zoomed in on. */
  range: Range | null;
  /** The lines that others pale beside; null: none. */
  emphasised: ReadonlySet<number> | null;
  label: string;
  height: number;
  onZoom: OnZoom;
  onCursor: (at: number | null) => void;
  onPick: (pick: PlotPick) => void;
}

/** Columns that uPlot has for a line: what it was before smoothing, itself. */
const PER_LINE = 2;

/**
 * Lines with their envelopes, drawn by uPlot. A drag picks a stretch of the axis, a double
 * click asks for all, a click or the keys pick a value; cursors of charts along one axis
 * move together.
 */
export function CurvePlot(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const { settings, data, axis } = props;
  const shape = JSON.stringify([
    data.lines.map((line) => [line.label, line.raw === null]),
    props.colours,
    settings.band,
    settings.logX,
    settings.logY,
    axis,
    props.height,
  ]);

  // A mark of what is drawn in that shape.
  const content = useMemo(() => ({}), [data, settings.robust, props.range]);
  const shown = useRef<object | null>(null);

  // Before the page is painted, so that lines change with what is written beside them.
  useLayoutEffect(() => {
    if (!box.current) return;
    const drawn = new uPlot(options(box.current, latest), columns(latest.current), box.current);
    plot.current = drawn;
    shown.current = content;
    const unfit = fitWidth(drawn, box.current, () => latest.current.height);
    const unwatch = watchTheme(() => drawn.redraw());
    const stopPicks = watchPicks(
      drawn,
      box.current,
      (u) => pickable(u, latest.current),
      (pick) => latest.current.onPick(pick),
    );
    return () => {
      stopPicks();
      unwatch();
      unfit();
      drawn.destroy();
      plot.current = null;
    };
  }, [shape]);

  useLayoutEffect(() => {
    if (shown.current === content) return; // it was drawn with it
    shown.current = content;
    plot.current?.setData(columns(props));
  }, [content]);

  useLayoutEffect(() => {
    plot.current?.redraw(false);
  }, [props.emphasised]);

  return (
    <div
      class="curve-plot"
      ref={box}
      role="application"
      aria-label={props.label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes arrow keys
      tabIndex={0}
    />
  );
}

/** What may be picked: points of a curve, not of many curves that were summed up. */
function pickable(u: uPlot, { data }: Props): DrawnLines {
  const left = (x: number) => u.valToPos(x, "x");
  return {
    xs: u.data[0],
    values: data.lines.map((line, place) => pickableValues(u, line, place)),
    marks: data.lines.flatMap((line, place) =>
      line.curve === null ? [] : marksOf(line, place, left, u.over.clientHeight),
    ),
    left,
    top: (value) => u.valToPos(value, "y"),
  };
}

/** Values of a line where its curve has buckets: a smoothed line has others between them. */
function pickableValues(u: uPlot, { curve, raw }: ChartLine, place: number) {
  if (curve === null) return [];
  const values = u.data[PER_LINE * (place + 1)] ?? [];
  if (raw === null) return values;
  const before = u.data[PER_LINE * (place + 1) - 1] ?? [];
  return Array.from(values, (value, i) => (before[i] === undefined ? undefined : value));
}

/**
 * Where a line is not finite: at the top, −∞ at the bottom. On a logarithmic axis there is no
 * place for some.
 */
function marksOf(
  { nans, infinities, negativeInfinities }: ChartLine,
  line: number,
  left: (x: number) => number,
  height: number,
): DrawnPoint[] {
  const at = (xs: readonly number[], value: number, top: number) =>
    xs.map((x) => ({ line, x, value, left: left(x), top }));
  return [
    ...at(nans, Number.NaN, 0),
    ...at(infinities, Number.POSITIVE_INFINITY, 0),
    ...at(negativeInfinities, Number.NEGATIVE_INFINITY, height),
  ].filter((mark) => Number.isFinite(mark.left));
}

function columns({ data, settings }: Props): uPlot.AlignedData {
  const from = settings.logX ? data.xs.findIndex((x) => x > 0) : 0;
  // To uPlot, undefined is where a line has nothing and goes on; null is a gap in it.
  const drawable = (v: number | null) => {
    if (v === null) return undefined;
    return settings.logY && v <= 0 ? null : v;
  };
  const begin = from < 0 ? data.xs.length : from;
  const cut = (column: (number | null)[]) =>
    (begin > 0 ? column.slice(begin) : column).map(drawable);
  const of = ({ raw, values }: ChartLine) => {
    const column = cut(values);
    return [raw ? cut(raw) : column, column]; // a raw one that there is not is not shown
  };
  return [data.xs.slice(begin), ...data.lines.flatMap(of)];
}

function options(box: HTMLElement, latest: { current: Props }): uPlot.Options {
  const { data, settings, axis, height } = latest.current;
  const variable = (name: string) => getComputedStyle(box).getPropertyValue(name);
  const ink = () => variable("--faint");
  const grid = { stroke: () => variable("--line"), width: 1 };
  const font = "11px system-ui";
  return {
    width: box.clientWidth,
    height,
    padding: [10, 22, 0, 0],
    legend: { show: false },
    focus: { alpha: 0.3 },
    scales: {
      x: {
        time: false,
        distr: settings.logX ? 3 : 1,
        range: () => shownXs(latest.current),
      },
      y: {
        distr: settings.logY ? 3 : 1,
        range: () => yRange(latest.current.data.lines, latest.current.settings),
      },
    },
    series: [{}, ...data.lines.flatMap((_, place) => seriesOf(latest, place))],
    axes: [
      {
        stroke: ink,
        grid,
        ticks: grid,
        size: 28,
        font,
        space: tickSpace(axis),
        ...xTicks(axis, settings.logX),
        values: (_u, ticks, _axis, _space, step) =>
          ticks.map((x) =>
            x === null ? "" : tickLabel(axis, x, settings.logX ? logStep(x) : step),
          ),
      },
      {
        stroke: ink,
        grid,
        ticks: grid,
        size: (_u, labels) => 18 + 6.5 * Math.max(5, ...(labels ?? []).map((l) => l?.length ?? 0)),
        font,
        ...(settings.logY ? LOG_TICKS : {}),
        values: (_u, ticks) => ticks.map((v) => (v === null ? "" : formatValue(v))),
      },
    ],
    cursor: {
      ...zoomingCursor((range) => latest.current.onZoom(range)),
      ...(isFew(data) ? {} : { points: { show: false } }),
      sync: { key: `along ${axis}`, scales: ["x", null] },
    },
    hooks: {
      setSelect: [(u) => reportPicked(u, latest.current.onZoom, !isMetricAxis(axis))],
      setCursor: [(u) => latest.current.onCursor(u.cursor.idx ?? null)],
      drawAxes: [(u) => drawAround(u, latest.current)],
      draw: [(u) => drawMarks(u, latest.current)],
    },
  };
}

/** uPlot's own lie so close on axes over many powers of ten that they are a surface. */
const LOG_TICKS: uPlot.Axis = {
  splits: (_u, _axis, low, high) => ticksOf([low, high], true, 6),
  filter: (_u, ticks) => ticks,
};

/** Where ticks of x are, where uPlot does not know better. */
function xTicks(axis: AxisName, log: boolean): uPlot.Axis {
  if (log) return LOG_TICKS;
  if (isTime(axis)) return { incrs: [...TIME_STEPS] };
  return isCount(axis) ? { incrs: WHOLE_STEPS } : {};
}

/** The envelopes of lines, below these. */
function drawAround(u: uPlot, props: Props): void {
  const { data, settings, colours } = props;
  if (!settings.band || data.xs.length === 0) return;
  const { logX, logY } = settings;
  const look = (place: number) => {
    const colour = colours[place] ?? "";
    const edge = isFew(data) ? `${colour}${pale(props, place) ? "1a" : "40"}` : null;
    return { fill: envelopeFill(props, place), edge, stroke: `${colour}66` };
  };
  drawEnvelopes(u, data, { logX, logY, whole: !isFew(data), look });
}

const pale = ({ emphasised }: Props, place: number) =>
  emphasised !== null && !emphasised.has(place);

/** Points are seen where no stroke leads to them. */
const LONE_POINTS: uPlot.Series.Points = {
  show: false,
  filter: (u, place) => lonePlaces(u.data[place] ?? []),
};

/**
 * So many lines have edges around their envelopes, dots where they have points and where the cursor
 * is, and are wider than a pixel. Of more, edges and dots are a tangle; wide lines take as long to paint as all the rest
 * (leeoniya/uPlot, issue 1067), and over the elements of dots a browser goes whenever it paints.
 */
const FEW_LINES = 8;

const isFew = ({ lines }: ChartLines) => lines.length <= FEW_LINES;

function seriesOf(latest: { current: Props }, place: number): uPlot.Series[] {
  const { colours, data } = latest.current;
  const colour = colours[place] ?? "#3b7de0";
  const few = isFew(data);
  const drawn = data.lines[place];
  // Strokes of whole pixels are painted faster, but have stairs.
  const pxAlign = few ? 0 : 1;
  const raw: uPlot.Series = {
    show: drawn !== undefined && drawn.raw !== null,
    stroke: `${colour}4d`,
    width: 1,
    pxAlign,
    points: { show: false },
  };
  const line: uPlot.Series = {
    stroke: () => (pale(latest.current, place) ? `${colour}40` : colour),
    width: few ? 1.5 : 1,
    pxAlign,
    points: { size: 4, fill: colour, ...(few ? {} : LONE_POINTS) },
  };
  return [raw, line];
}

function envelopeFill(props: Props, place: number): string {
  const opacity = envelopeOpacity(props.data.lines.length);
  return translucent(props.colours[place] ?? "", pale(props, place) ? 0.4 * opacity : opacity);
}

function shownXs({ data, range, settings, axis }: Props): ValueRange {
  return xRange(data.xs, { range, log: settings.logX, time: isTime(axis) });
}

/** A triangle at the top where a line is NaN, a diamond where it is infinite: −∞ at the bottom. */
function drawMarks(u: uPlot, { data, colours }: Props): void {
  const size = 5 * devicePixelRatio;
  data.lines.forEach((line, place) => {
    u.ctx.fillStyle = colours[place] ?? "";
    const diamond = [0, -size, size, 0, 0, size, -size, 0];
    const { top } = u.bbox;
    for (const x of line.nans) mark(u, x, top, [-size, 0, size, 0, 0, size * 1.6]);
    for (const x of line.infinities) mark(u, x, top, diamond);
    for (const x of line.negativeInfinities) mark(u, x, top + u.bbox.height, diamond);
  });
}

function mark({ ctx, bbox, valToPos }: uPlot, x: number, y: number, corners: number[]): void {
  const at = valToPos(x, "x", true);
  if (!(at >= bbox.left && at <= bbox.left + bbox.width)) return;
  ctx.beginPath();
  for (let i = 0; i < corners.length; i += 2) {
    ctx.lineTo(at + (corners[i] ?? 0), y + (corners[i + 1] ?? 0));
  }
  ctx.fill();
}
