import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Answer } from "../ask";
import { type AxisName, axisTitle } from "../lib/axis";
import { type ChartLine, type ChartLines, notFinite } from "../lib/chart_lines";
import { type ChartPoint, markAt, pointAt } from "../lib/chart_point";
import type { ChartSettings } from "../lib/chart_settings";
import { isMetricAxis } from "../lib/metric_axis";
import type { Stretch } from "../lib/zoom";
import type { Curve, RunNames } from "../server/curves";
import { CurvePlot } from "./curve_plot";
import { CurveTable } from "./curve_table";
import { PickedPoint } from "./picked_point";
import type { PlotPick } from "./plot_picks";

interface Props {
  names: RunNames;
  metric: { metricName: string; scale: string };
  axis: AxisName;
  /** What is zoomed in on. */
  stretch: Stretch | null;
  settings: ChartSettings;
  answer: Answer<Curve[]>;
  /** Those that are drawn. */
  lines: ChartLines;
  colours: readonly string[];
  asTable: boolean;
  /** The lines that others pale beside. */
  emphasised: ReadonlySet<number> | null;
  /** Is told how wide there is to draw. */
  width: Signal<number>;
  /** Is told where the cursor is. */
  at: Signal<number | null>;
  onZoom: (stretch: Stretch | null) => void;
}

const PLOT_HEIGHT = 220;

/** What a chart shows below its title: its lines or a table, or why there are none. */
export function ChartBody(props: Props) {
  const { metric, axis, stretch, lines, width, asTable } = props;
  const label = `${metric.metricName} along ${axisTitle(axis)}`;
  const { value: curves, failure } = props.answer;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => (box.current ? followWidth(box.current, width) : undefined), []);
  const empty = curves !== null && lines.xs.length === 0;
  return (
    <div class="plot" ref={box}>
      {asTable && curves && <CurveTable label={label} axis={axis} curves={curves} />}
      {!asTable && width.value > 0 && !empty && curves && <Plot {...props} />}
      {failure !== null && (
        <p class="note failed" role="alert">
          {failure}
        </p>
      )}
      {curves === null && failure === null && <p class="note">Loading…</p>}
      {empty && <p class="note">{emptyText(lines, axis, stretch !== null)}</p>}
    </div>
  );
}

/** Tells how wide an element is, again when it became so much wider or narrower that it matters. */
function followWidth(element: HTMLElement, width: Signal<number>): () => void {
  const look = () => {
    const [before, now] = [width.peek(), element.clientWidth];
    if (Math.abs(now - before) > before / 5) width.value = now;
  };
  look();
  const resized = new ResizeObserver(look);
  resized.observe(element);
  return () => resized.disconnect();
}

function emptyText(lines: ChartLines, axis: AxisName, zoomed: boolean): string {
  if (lines.lines.some((line) => notFinite(line) > 0)) {
    return "Every point is NaN or infinite here.";
  }
  if (isMetricAxis(axis) && !zoomed) {
    return `No point has a value of ${axisTitle(axis)} at its step or before. Choose another axis above.`;
  }
  return zoomed
    ? "No points in this stretch. Double-click a chart to see all."
    : "No points along this axis. Choose another one above.";
}

function pickedPoint(line: ChartLine | undefined, { x, value }: PlotPick): ChartPoint | null {
  if (!line) return null;
  return Number.isFinite(value) ? pointAt(line, x) : markAt(line, x, value);
}

const finiteOf = ({ value }: PlotPick) => (Number.isFinite(value) ? value : null);

/** The lines, and the card of the point that somebody picked. */
function Plot({ names, metric, axis, stretch, settings, lines, colours, ...props }: Props) {
  const place = useRef<HTMLDivElement>(null);
  // The point as it was picked: a run that goes on is cut into other buckets.
  const picked = useSignal<{ pick: PlotPick; point: ChartPoint } | null>(null);
  const letGo = () => {
    const plot = place.current?.querySelector<HTMLElement>(".curve-plot");
    if (picked.value?.pick.open) plot?.focus({ preventScroll: true });
    picked.value = null;
  };
  useEffect(() => {
    picked.value = null;
  }, [axis, stretch?.from, stretch?.to]);
  return (
    <div ref={place}>
      <CurvePlot
        data={lines}
        colours={colours}
        settings={settings}
        axis={axis}
        range={stretch}
        emphasised={props.emphasised}
        label={`${metric.metricName} along ${axisTitle(axis)}, ${lines.lines.length} lines; arrow keys go along points, Enter tells of one`}
        height={PLOT_HEIGHT}
        onZoom={props.onZoom}
        onCursor={(at) => {
          props.at.value = at;
        }}
        onPick={(pick) => {
          const point = pickedPoint(lines.lines[pick.line], pick);
          picked.value = point && { pick, point };
        }}
      />
      {picked.value && (
        <PickedPoint
          {...picked.value}
          smoothed={settings.smoothing.amount > 0 ? finiteOf(picked.value.pick) : null}
          names={names}
          metric={metric}
          axis={axis}
          inherited={settings.inherited}
          width={props.width.value}
          onZoom={props.onZoom}
          onClose={letGo}
        />
      )}
    </div>
  );
}
