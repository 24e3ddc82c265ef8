import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { cellAt, cellBeside } from "../lib/cells";
import { formatCount, formatValue } from "../lib/format";

interface Props {
  /** How many fall into each bin. */
  counts: ArrayLike<number>;
  /** Where the first bin begins and the last one ends. */
  first: number;
  last: number;
  /** What is counted, such as `return`. */
  title: string;
  /** Is told of the stretch that was brushed. */
  onBrush: (from: number, to: number) => void;
}

type Pointer = PointerEvent & { currentTarget: HTMLElement };

/**
 * Bars of a distribution. A drag over bars chooses a stretch; with the keyboard, arrows move
 * along bars, with Shift they span several, Enter takes those and Escape lets them go.
 */
export function Histogram({ counts, first, last, title, onBrush }: Props) {
  const group = useRef<HTMLDivElement>(null);
  /** The bar that takes the focus: one stop for all of them. */
  const stop = useSignal(0);
  const brushed = useSignal<{ start: number; end: number } | null>(null);
  const bars = Array.from(counts);
  const most = Math.max(...bars, 1);
  const edge = (i: number) => first + ((last - first) * i) / bars.length;
  const range = (i: number) => `from ${formatValue(edge(i))} to ${formatValue(edge(i + 1))}`;
  const [low, high] = [
    Math.min(brushed.value?.start ?? -1, brushed.value?.end ?? -1),
    Math.max(brushed.value?.start ?? -1, brushed.value?.end ?? -1),
  ];
  const barAt = ({ clientX, currentTarget }: Pointer) => {
    const box = currentTarget.getBoundingClientRect();
    return cellAt((clientX - box.left) / box.width, 0, 1, bars.length).column;
  };
  const down = (event: Pointer) => {
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    brushed.value = { start: barAt(event), end: barAt(event) };
  };
  const move = (event: Pointer) => {
    if (brushed.value) brushed.value = { ...brushed.value, end: barAt(event) };
  };
  const up = () => {
    if (brushed.value) take(brushed.value.start, brushed.value.end);
  };
  const take = (start: number, end: number) => {
    brushed.value = null;
    onBrush(edge(Math.min(start, end)), edge(Math.max(start, end) + 1));
  };
  const key = (event: KeyboardEvent, i: number) => {
    const next = cellBeside({ row: 0, column: i }, event.key, 1, bars.length)?.column;
    if (next !== undefined) {
      brushed.value = event.shiftKey ? { start: brushed.peek()?.start ?? i, end: next } : null;
      stop.value = next;
      group.current?.querySelectorAll("button")[next]?.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      take(brushed.peek()?.start ?? i, i);
    } else if (event.key === "Escape") {
      brushed.value = null;
    } else return;
    event.preventDefault();
  };
  return (
    <figure class="histogram">
      {/* biome-ignore lint/a11y/useSemanticElements: bars to choose from, not fields of a form */}
      <div
        ref={group}
        class="bars"
        role="group"
        aria-label={`Distribution of ${title}`}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={() => {
          brushed.value = null;
        }}
      >
        {bars.map((count, i) => (
          <button
            key={edge(i)}
            type="button"
            class={i >= low && i <= high ? "bar chosen" : "bar"}
            title={`${formatCount(count)} ${range(i)}`}
            aria-label={`${formatCount(count)} episodes with ${title} ${range(i)}`}
            tabIndex={i === Math.min(stop.value, bars.length - 1) ? 0 : -1}
            onKeyDown={(event) => key(event, i)}
          >
            <span style={{ height: `${(100 * count) / most}%` }} />
          </button>
        ))}
      </div>
      <figcaption>
        <span>{formatValue(short(first))}</span>
        <strong>{title}</strong>
        <span>{formatValue(short(last))}</span>
      </figcaption>
    </figure>
  );
}

/** Four digits are enough at an axis. */
function short(value: number): number {
  return Number(value.toPrecision(4));
}
