import { useSignal } from "@preact/signals";
import { cellAt } from "../lib/cells";
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

/** Bars of a distribution. A drag over bars chooses a stretch; with the keyboard, Enter chooses a bar. */
export function Histogram({ counts, first, last, title, onBrush }: Props) {
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
    if (!brushed.value) return;
    brushed.value = null;
    onBrush(edge(low), edge(high + 1));
  };
  return (
    <figure class="histogram">
      {/* biome-ignore lint/a11y/useSemanticElements: bars to choose from, not fields of a form */}
      <div
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
            onKeyDown={(event) => {
              if (event.key === "Enter" || event.key === " ") onBrush(edge(i), edge(i + 1));
            }}
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
