import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { type Answer, useAnswer } from "../ask";
import { type AxisName, axisFor } from "../lib/axis";
import { type ChartLines, chartLines } from "../lib/chart_lines";
import {
  type ChartSettings,
  DEFAULT_SETTINGS,
  formatSettings,
  parseSettings,
} from "../lib/chart_settings";
import { emphasisedLines } from "../lib/emphasised_lines";
import { isDrawn, type LineChoice } from "../lib/line_choice";
import type { Stretch, Zoom } from "../lib/zoom";
import {
  asksInWaves,
  type Curve,
  type CurveQuestion,
  MOST_BUCKETS,
  NO_CURVES,
  type RunNames,
  readCurves,
} from "../server/curves";
import { ChartBody } from "./chart_body";
import { ChartCaption } from "./chart_caption";
import { ChartLegend } from "./chart_legend";
import { ChartMenu, type ChartPin } from "./chart_menu";
import type { SettingsChoices } from "./settings_form";

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
  /** The run whose lines others pale beside; null: none. */
  pointed?: ReadonlySignal<string | null>;
  /** Which lines are drawn. */
  choice: LineChoice;
  /** What settings choose from. */
  choices: SettingsChoices;
  /** Without, the chart has no settings of its own. */
  onOwn?: (own: string) => void;
  /** Without, it cannot be put on top of the page. */
  pin?: ChartPin;
  onZoom: (axis: AxisName, stretch: Stretch | null) => void;
  onChoose: (choice: LineChoice) => void;
}

/** How many buckets a chart asks for at least. */
const LEAST_BUCKETS = 50;

/**
 * One chart of the workspace, of all series of a metric. It asks for as many buckets as it
 * is wide, for the stretch that is zoomed in on, and again when there is news; what it
 * shows stays until the answer is there.
 */
export function ChartCard(props: Props) {
  const { names, metric, page } = props;
  const width = useSignal(0);
  const at = useSignal<number | null>(null);
  const emphasised = useSignal<number | null>(null);
  const asTable = useSignal(false);
  const settings = parseSettings(props.own, page);
  const axis = axisFor(metric, settings.axis);
  const stretch = props.zoom.get(axis) ?? null;
  const buckets = Math.min(Math.max(Math.round(width.value), LEAST_BUCKETS), MOST_BUCKETS);
  const { inherited } = settings;
  const question = width.value === 0 ? null : { metric, axis, range: stretch, buckets, inherited };
  const { answer, lines: all } = useLines(names, question, settings, props.version);
  const allColours = all.lines.map((line, i) => props.colourOf(line.run, i));
  const { lines, places } = useMemo(() => chosenOf(all, props.choice), [all, props.choice]);
  const colours = places.map((place) => allColours[place] ?? "");
  const pointed = props.pointed?.value ?? null;
  const strong = useMemo(
    () => emphasisedLines(lines.lines, emphasised.value, pointed),
    [lines, emphasised.value, pointed],
  );
  const curves = answer.value;
  const what = { names, metric, axis, settings, lines, colours };
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
      <ChartCaption
        metric={metric}
        axis={axis}
        stretch={stretch}
        onShowAll={() => props.onZoom(axis, null)}
      >
        <ChartMenu
          {...what}
          range={stretch}
          buckets={buckets}
          page={page}
          curves={curves ?? []}
          asTable={asTable}
          choices={props.choices}
          {...(props.onOwn ? { onOwn: props.onOwn } : {})}
          {...(props.pin ? { pin: props.pin } : {})}
        />
      </ChartCaption>
      <ChartBody
        {...what}
        stretch={stretch}
        answer={answer}
        asTable={asTable.value}
        emphasised={strong}
        width={width}
        at={at}
        onZoom={(next) => props.onZoom(axis, next)}
      />
      {curves && (
        <ChartLegend
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

/** The lines of what a chart asks; null asks nothing yet. */
function useLines(
  names: RunNames,
  question: CurveQuestion | null,
  settings: ChartSettings,
  version: number,
): { answer: Answer<Curve[]>; lines: ChartLines } {
  const held = useRef({ whole: NO_CURVES, part: NO_CURVES });
  const last = useRef<CurvesInView | null>(null);
  const smooths = settings.smoothing.amount > 0;
  const { value, ...state } = useAnswer(
    async (signal, again) => {
      if (question === null) return new Promise<CurvesInView>(() => {});
      const read = async (kind: "whole" | "part", asked: CurveQuestion) => {
        const before = held.current[kind];
        held.current[kind] = NO_CURVES; // should it fail, all is asked for
        held.current[kind] = await readCurves(names, asked, before, signal, again);
        return held.current[kind].curves;
      };
      const { range } = question;
      if (range === null) {
        return sameOr(last, { curves: await read("whole", question), range, whole: null });
      }
      const [curves, whole] = await Promise.all([
        read("part", question),
        smooths ? read("whole", { ...question, range: null }) : null,
      ]);
      return sameOr(last, { curves, range, whole });
    },
    [names.runs.join("\n"), JSON.stringify(question), question?.range != null && smooths],
    version,
    question !== null && asksInWaves(question.axis),
  ).value;
  const style = formatSettings(settings, DEFAULT_SETTINGS);
  const lines = useMemo(
    () => linesInView(value, settings, smooths, names.runs.length),
    [value, style, smooths],
  );
  return { answer: { ...state, value: value?.curves ?? null }, lines };
}

/** What a chart was answered. */
interface CurvesInView {
  curves: Curve[];
  range: Stretch | null;
  /** The curves of the whole axis, where it is zoomed and smoothed. */
  whole: Curve[] | null;
}

/** What was in view before, where that is the same: then nothing is drawn anew. */
function sameOr(last: { current: CurvesInView | null }, next: CurvesInView): CurvesInView {
  const before = last.current;
  const same =
    before?.curves === next.curves &&
    before.whole === next.whole &&
    before.range?.from === next.range?.from &&
    before.range?.to === next.range?.to;
  if (!same) last.current = next;
  return last.current ?? next;
}

/** Lines of an answer; what is smoothed by the whole axis is so once that is there. */
function linesInView(
  value: CurvesInView | null,
  settings: ChartSettings,
  smooths: boolean,
  runs: number,
): ChartLines {
  const { curves, range, whole } = value ?? { curves: [], range: null, whole: null };
  if (range !== null && whole !== null) {
    return chartLines(curves, settings, runs, { curves: whole, range });
  }
  const { value: drawn, smoothing } = settings;
  const awaited = range !== null && smooths;
  const style = awaited ? { value: drawn, smoothing: { ...smoothing, amount: 0 } } : settings;
  return chartLines(curves, style, runs);
}

/** The lines that are drawn, and the places that these have among all. */
function chosenOf(all: ChartLines, choice: LineChoice): { lines: ChartLines; places: number[] } {
  const places = all.lines.flatMap((line, place) => (isDrawn(choice, line.key) ? [place] : []));
  const lines = all.lines.filter((line) => isDrawn(choice, line.key));
  return { lines: lines.length === all.lines.length ? all : { ...all, lines }, places };
}
