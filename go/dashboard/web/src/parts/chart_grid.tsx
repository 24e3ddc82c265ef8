import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { heightOf, layRows, type RowSection, rowsWithin } from "../lib/chart_rows";
import { formatCount } from "../lib/format";
import { useWidth, watchScroll } from "./windowed";

/** Heights of rows and the least width of a chart, in pixels; the stylesheet has them, too. */
const HEIGHTS = { title: 52, charts: 340 };
const LEAST_WIDTH = 420;
const GAP = 18;
/** How far beyond what is seen charts are drawn. */
const BEYOND = 300;

interface Props<T> {
  sections: RowSection<T>[];
  closed: ReadonlySet<string>;
  onToggle: (section: string) => void;
  keyOf: (item: T) => string;
  draw: (item: T) => ComponentChildren;
}

/**
 * Charts in sections, of which only those near what is seen exist: twenty thousand cost no
 * more than twenty.
 */
export function ChartGrid<T>({ sections, closed, onToggle, keyOf, draw }: Props<T>) {
  const list = useRef<HTMLDivElement>(null);
  const width = useWidth(list);
  const seen = useSeen(list);
  const columns = Math.max(1, Math.floor((width + GAP) / (LEAST_WIDTH + GAP)));
  const rows = layRows(sections, columns, closed, HEIGHTS);
  const shown = width === 0 ? [] : rowsWithin(rows, seen.from - BEYOND, seen.to + BEYOND);
  return (
    <div class="chart-grid" ref={list} style={{ height: `${heightOf(rows)}px` }}>
      {shown.map((row) =>
        row.kind === "title" ? (
          <h2 key={`title ${row.section}`} style={{ top: `${row.top}px` }}>
            <button
              type="button"
              class="section-title"
              aria-expanded={!closed.has(row.section)}
              onClick={() => onToggle(row.section)}
            >
              {row.section} <span class="faint">{formatCount(row.count)}</span>
            </button>
          </h2>
        ) : (
          <div
            key={`${row.section} ${row.items.map(keyOf).join("\n")}`}
            class="chart-row"
            style={{
              top: `${row.top}px`,
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
            }}
          >
            {row.items.map((item) => (
              <div key={keyOf(item)}>{draw(item)}</div>
            ))}
          </div>
        ),
      )}
    </div>
  );
}

/** The stretch of an element that is seen, in steps of a hundred pixels. */
function useSeen(element: { current: HTMLElement | null }): { from: number; to: number } {
  const seen = useSignal({ from: 0, to: 0 });
  useEffect(() => {
    const look = () => {
      const top = element.current?.getBoundingClientRect().top;
      if (top === undefined) return;
      const from = Math.floor(-top / 100) * 100;
      const to = Math.ceil((window.innerHeight - top) / 100) * 100;
      const before = seen.peek();
      if (from !== before.from || to !== before.to) seen.value = { from, to };
    };
    return watchScroll(look);
  }, []);
  return seen.value;
}
