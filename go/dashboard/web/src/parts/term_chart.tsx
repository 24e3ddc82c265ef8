import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask";
import { alignCurves } from "../lib/align";
import { type AxisName, axisFor, axisTitle, formatX } from "../lib/axis";
import { colourOf, GREY } from "../lib/colour";
import { formatCount, formatValue } from "../lib/format";
import { splitTerm } from "../lib/overview_panels";
import { greatest, MOST_TERMS, type Stack, stacked, type Term } from "../lib/reward_terms";
import type { Zoom } from "../lib/zoom";
import { type Curve, type RunNames, readMetricCurves } from "../server/curves";
import { AnswerState } from "./answer_state";
import { type BandLine, BandPlot } from "./band_plot";

interface Props {
  names: RunNames;
  inherited: boolean;
  /** What the names of all terms begin with. */
  prefix: string;
  metrics: readonly { metricName: string; scale: string }[];
  /** What the page goes along. */
  along: AxisName;
  version: number;
  zoom: Zoom;
  onZoom: (axis: AxisName, range: { from: number; to: number } | null) => void;
}

const HEIGHT = 220;
/** How many buckets an area needs: it is no wider than this. */
const BUCKETS = 400;
/** How many terms are asked for at most. */
const MOST_ASKED = 100;

/** What a reward is made up of: terms on each other, or as lines when one changes its sign. */
export function TermChart(props: Props) {
  const { names, inherited, prefix, metrics, zoom } = props;
  const scale = metrics[0]?.scale ?? "";
  const axis = axisFor({ metricName: prefix, scale }, props.along);
  const range = zoom.get(axis) ?? null;
  const asked = metrics.slice(0, MOST_ASKED);
  const answer = useAnswer(
    (signal) =>
      readMetricCurves(names, { metrics: asked, axis, range, buckets: BUCKETS, inherited }, signal),
    [
      names.runs.join("\n"),
      inherited,
      asked.map((m) => m.metricName).join("\n"),
      scale,
      axis,
      range?.from,
      range?.to,
    ],
    props.version,
  );
  return (
    <figure class="chart card terms" data-terms={prefix} data-axis={axis}>
      <figcaption>
        <strong title={prefix}>{prefix}</strong>
        <span class="faint">
          {formatCount(metrics.length)} terms, means by {axisTitle(axis)}
        </span>
        {range && (
          <button type="button" onClick={() => props.onZoom(axis, null)}>
            Show all
          </button>
        )}
      </figcaption>
      <AnswerState of={answer.value}>
        {(curves) => (
          <Drawn
            curves={curves}
            prefix={prefix}
            axis={axis}
            range={range}
            onZoom={(picked) => props.onZoom(axis, picked)}
          />
        )}
      </AnswerState>
    </figure>
  );
}

interface DrawnProps {
  curves: Curve[];
  prefix: string;
  axis: AxisName;
  range: { from: number; to: number } | null;
  onZoom: (range: { from: number; to: number } | null) => void;
}

function Drawn({ curves, prefix, axis, range, onZoom }: DrawnProps) {
  const cursor = useSignal<number | null>(null);
  const { xs, drawn, stacks } = useMemo(() => shown(curves), [curves]);
  return (
    <>
      <div class="plot" data-stacked={stacks}>
        <BandPlot
          xs={xs}
          lines={drawn.map(({ line }) => line)}
          height={HEIGHT}
          syncKey={`along ${axis}`}
          range={range}
          onZoom={onZoom}
          onCursor={(at) => {
            cursor.value = at;
          }}
          label={`${prefix} along ${axisTitle(axis)}: ${drawn.map(({ line }) => line.label).join(", ")}`}
        />
      </div>
      <ul class="legend">
        {drawn.map(({ line, values }) => (
          <li key={line.label}>
            <span class="swatch" style={{ background: line.colour }} />
            <span class="name">{line.label}</span>
            <span class="value">{valueAt(values, cursor.value)}</span>
          </li>
        ))}
        <li class="faint">
          {cursor.value === null ? noteOf(stacks) : `at ${formatX(axis, xs[cursor.value] ?? 0)}`}
        </li>
      </ul>
    </>
  );
}

/** A line with the values that the legend tells: those of an area are not where it ends. */
interface DrawnTerm {
  line: BandLine;
  values: readonly (number | null)[];
}

function shown(curves: Curve[]): { xs: number[]; drawn: DrawnTerm[]; stacks: boolean } {
  const { xs, columns } = alignCurves(curves);
  const terms = curves.map((curve, i) => ({
    name: nameOf(curve),
    values: columns[i]?.values ?? [],
  }));
  const stack = stacked(terms);
  const drawn = stack ? areasOf(stack) : greatest(terms).map(lineOf);
  return { xs, drawn, stacks: stack !== null };
}

function nameOf({ metricName, labels }: Curve): string {
  const { term } = splitTerm(metricName);
  return labels === "" ? term : `${term} ${labels}`;
}

const colourOfTerm = (place: number) => (place < MOST_TERMS ? colourOf(place) : GREY);

function areasOf({ terms, total }: Stack): DrawnTerm[] {
  const areas = terms.map(({ name, values, low, high, edge }, place) => ({
    line: {
      label: name,
      colour: colourOfTerm(place),
      values: edge,
      band: { low, high },
      bandStyle: "area" as const,
    },
    values,
  }));
  const sum = { label: "total", colour: GREY, values: total, dash: [5, 3] };
  return [...areas, { line: sum, values: total }];
}

function lineOf({ name, values }: Term, place: number): DrawnTerm {
  return { line: { label: name, colour: colourOf(place), values: [...values] }, values };
}

/** Why terms are lines. */
function noteOf(stacks: boolean): string {
  return stacks ? "stacked" : "as lines: a term changes its sign";
}

function valueAt(values: readonly (number | null)[], at: number | null): string {
  const value = at === null ? values.findLast((v) => v !== null) : values[at];
  return value === null || value === undefined ? "" : formatValue(value);
}
