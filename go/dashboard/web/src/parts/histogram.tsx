import { useSignal } from "@preact/signals";
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

/** Bars of a distribution. A drag over bars chooses a stretch; each bar can be chosen with the keyboard, too. */
export function Histogram({ counts, first, last, title, onBrush }: Props) {
  const start = useSignal<number | null>(null);
  const end = useSignal<number | null>(null);
  const bars = Array.from(counts);
  const most = Math.max(...bars, 1);
  const edge = (i: number) => first + ((last - first) * i) / bars.length;
  const chosen = (i: number) =>
    start.value !== null &&
    end.value !== null &&
    i >= Math.min(start.value, end.value) &&
    i <= Math.max(start.value, end.value);
  const take = () => {
    if (start.value === null || end.value === null) return;
    const [low, high] = [Math.min(start.value, end.value), Math.max(start.value, end.value)];
    start.value = null;
    end.value = null;
    onBrush(edge(low), edge(high + 1));
  };
  return (
    <figure class="histogram" onPointerUp={take} onPointerLeave={take}>
      {/* biome-ignore lint/a11y/useSemanticElements: bars to choose from, not fields of a form */}
      <div class="bars" role="group" aria-label={`Distribution of ${title}`}>
        {bars.map((count, i) => (
          <button
            key={i}
            type="button"
            class={chosen(i) ? "bar chosen" : "bar"}
            title={`${formatCount(count)} from ${formatValue(edge(i))} to ${formatValue(edge(i + 1))}`}
            aria-label={`${formatCount(count)} episodes with ${title} from ${formatValue(edge(i))} to ${formatValue(edge(i + 1))}`}
            onPointerDown={(event) => {
              event.preventDefault();
              start.value = i;
              end.value = i;
            }}
            onPointerEnter={() => {
              if (start.value !== null) end.value = i;
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter" || event.key === " ") onBrush(edge(i), edge(i + 1));
            }}
          >
            <span style={{ height: `${(100 * count) / most}%` }} />
          </button>
        ))}
      </div>
      <figcaption>
        <span>{formatValue(first)}</span>
        <strong>{title}</strong>
        <span>{formatValue(last)}</span>
      </figcaption>
    </figure>
  );
}
