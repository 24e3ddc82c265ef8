import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Bucketed, type ChartData, toChart } from "../lib/buckets";
import { colourOf } from "../lib/colour";
import { formatCount, formatValue } from "../lib/format";
import { type Loaded, messageOf } from "../live";
import type { Range } from "../server";
import { Plot } from "./plot";

interface Props {
  title: string;
  axis: string;
  /** Points are asked for again when this changes. */
  version: string;
  live: boolean;
  read: (buckets: number, range: Range | null, signal: AbortSignal) => Promise<Bucketed>;
}

/** Beyond so many lines a legend says how many there are. */
const LEGEND_LINES = 8;

/**
 * One chart. It asks for as many buckets as it is wide, once it is in view, again
 * when there is news, and for a range of steps when that is zoomed in on.
 */
export function Chart({ title, axis, version, read }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const seen = useInView(box);
  const range = useSignal<Range | null>(null);
  const loaded = useSignal<Loaded<ChartData>>({ state: "loading" });
  const cursor = useSignal<number | null>(null);

  useEffect(() => {
    if (!seen.value || !box.current) return;
    const gone = new AbortController();
    const buckets = Math.min(Math.max(Math.round(box.current.clientWidth), 50), 5000);
    read(buckets, range.value, gone.signal).then(
      (answer) => {
        loaded.value = { state: "ready", value: toChart(answer) };
      },
      (error: unknown) => {
        if (gone.signal.aborted || loaded.value.state === "ready") return;
        loaded.value = { state: "failed", message: messageOf(error) };
      },
    );
    return () => gone.abort();
  }, [version, seen.value, range.value]);

  const data = loaded.value.state === "ready" ? loaded.value.value : null;
  return (
    <figure
      class="chart"
      data-metric={title}
      data-points={data?.points}
      data-buckets={data?.xs.length}
      data-first={data?.xs[0]}
    >
      <figcaption>
        <strong>{title}</strong>
        <span class="faint">
          {range.value ? `${axis} ${range.value.from} to ${range.value.to}` : axis}
        </span>
        {range.value && (
          <button
            type="button"
            onClick={() => {
              range.value = null;
            }}
          >
            Show all
          </button>
        )}
      </figcaption>
      <div class="plot" ref={box}>
        {data && data.xs.length > 0 && (
          <Plot
            data={data}
            onZoom={(zoomed) => {
              range.value = zoomed;
            }}
            onCursor={(at) => {
              cursor.value = at;
            }}
          />
        )}
        <Message loaded={loaded.value} />
      </div>
      {data && <Legend data={data} at={cursor.value} />}
    </figure>
  );
}

function Message({ loaded }: { loaded: Loaded<ChartData> }) {
  if (loaded.state === "loading") return <p class="note">Loading…</p>;
  if (loaded.state === "failed") return <p class="note failed">{loaded.message}</p>;
  if (loaded.value.xs.length > 0) return null;
  const marks = loaded.value.lines.some((line) => line.marks.length > 0);
  return (
    <p class="note">
      {marks ? "Every point is NaN or infinite here." : "No points in this range."}
    </p>
  );
}

/** The lines of a chart with their values at the cursor, or else their last. */
function Legend({ data, at }: { data: ChartData; at: number | null }) {
  const lines = data.lines.slice(0, LEGEND_LINES);
  return (
    <ul class="legend">
      {lines.map((line, place) => (
        <li key={line.label}>
          <span class="swatch" style={{ background: colourOf(place) }} />
          {line.label && <span>{line.label}</span>}
          <span class="value">{valueAt(line.mean, at)}</span>
          {line.marks.length > 0 && (
            <span class="failed" title="buckets with NaN or infinite points">
              {line.marks.length} not finite
            </span>
          )}
        </li>
      ))}
      {data.lines.length > lines.length && (
        <li>and {data.lines.length - lines.length} more lines</li>
      )}
      <li class="faint">
        {formatCount(data.points)} {data.points === 1 ? "point" : "points"}
      </li>
    </ul>
  );
}

function valueAt(values: (number | null)[], at: number | null): string {
  const shown = at === null ? values.findLast((v) => v !== null) : values[at];
  return shown === null || shown === undefined ? "" : formatValue(shown);
}

/** Whether an element is, or was, near the part of the page that is seen. */
function useInView(element: { current: HTMLElement | null }) {
  const seen = useSignal(false);
  useEffect(() => {
    if (!element.current) return;
    const observer = new IntersectionObserver(
      (entries) => {
        seen.value = entries.some((e) => e.isIntersecting);
      },
      { rootMargin: "300px" },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return seen;
}
