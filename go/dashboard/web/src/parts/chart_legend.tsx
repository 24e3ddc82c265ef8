import type { ReadonlySignal, Signal } from "@preact/signals";
import { type AxisName, formatX, stretchText } from "../lib/axis";
import { type ChartLine, type ChartLines, notFinite } from "../lib/chart_lines";
import { pointAt } from "../lib/chart_point";
import { formatCount, formatValue } from "../lib/format";
import { isolated, type LineChoice, toggled } from "../lib/line_choice";
import { shiftHeld } from "../shift_held";

/** How many lines it names. */
const MOST_LINES = 8;

/**
 * Names of more characters may be too long and are cut off, for which each takes a place of its own
 * among what a browser goes over whenever it paints.
 */
const FITTING = 16;

interface Props {
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
 * The lines with their values at the cursor, or else their last; with all digits while
 * Shift is held. The pointer on a name makes others pale, a click draws its line alone,
 * one with Alt hides it.
 */
export function ChartLegend(props: Props) {
  const { lines, places, colours, at, emphasised } = props;
  const shown = lines.lines.slice(0, MOST_LINES);
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
          <span class="swatch" style={{ background: colours[i] }} />
          <LineName line={line} drawn={places.includes(i)} {...props} />
          <span class="value">{valueAt(line.values, at.value)}</span>
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
      <li class="faint at">{placeText(props)}</li>
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
  const kind = line.label.length > FITTING ? "name cut-off" : "name";
  if (line.key === "") {
    return (
      <span class={kind} title={line.label}>
        {line.label}
      </span>
    );
  }
  return (
    <button
      type="button"
      class={kind}
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
  if (shown === null || shown === undefined) return "";
  return at !== null && shiftHeld.value ? String(shown) : formatValue(shown);
}

/** Where the cursor is; without one how many points there are. */
function placeText({ lines, at, axis }: Props): string {
  const x = at.value === null ? undefined : lines.xs[at.value];
  if (x === undefined) {
    return `${formatCount(lines.points)} ${lines.points === 1 ? "point" : "points"}`;
  }
  return `at ${shiftHeld.value ? exactStretch(lines, axis, x) : formatX(axis, x)}`;
}

/** The stretch that the buckets at an x sum up. */
function exactStretch({ lines }: ChartLines, axis: AxisName, x: number): string {
  const ends = lines.map((line) => pointAt(line, x)?.to ?? x);
  return stretchText(axis, x, Math.max(x, ...ends));
}
