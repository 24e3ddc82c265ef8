import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import {
  type Cell,
  type CellRange,
  cellAt,
  cellBeside,
  type Limits,
  labelPlaces,
  pixelsOf,
  spanOf,
} from "../lib/cells";
import { SCALE_GRADIENT } from "../lib/colour_scale";

interface Props {
  rows: number;
  columns: number;
  /** Row after row, from the top; what is not finite stays empty. */
  values: Float64Array;
  limits: Limits;
  /** What a row and a column are called, at the axes. */
  rowLabel: (row: number) => string;
  columnLabel: (column: number) => string;
  /** What stands at the axes and tells readers that cannot see it what it shows. */
  xTitle: string;
  yTitle: string;
  title: string;
  /** What a cell holds, shown under the pointer or the keyboard's cell. */
  describe: (cell: Cell) => ComponentChildren;
  /** Is told of the rectangle that was brushed, or chosen with Enter; null: of none any more. */
  onBrush?: (range: CellRange | null) => void;
  /** The ends of the legend. */
  legend: [string, string];
}

/**
 * Cells as colours: one pixel each on a canvas that is stretched. A drag brushes a
 * rectangle; with the keyboard, arrows move a cell, with Shift they span a
 * rectangle, Enter takes it and Escape lets it go.
 */
export function Heatmap(props: Props) {
  const { rows, columns, onBrush } = props;
  const canvas = useCells(props);
  const at = useSignal<Cell | null>(null);
  const start = useSignal<Cell | null>(null);
  const brushed = useSignal<CellRange | null>(null);

  const take = (range: CellRange | null) => {
    brushed.value = range;
    onBrush?.(range);
  };
  const cellOf = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return cellAt(x, y, rows, columns);
  };
  const down = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    start.value = cellOf(event);
    brushed.value = null;
  };
  const move = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const cell = cellOf(event);
    at.value = cell;
    if (start.value) brushed.value = spanOf(start.value, cell);
  };
  const up = () => {
    if (!start.value) return;
    const moved = brushed.value;
    start.value = null;
    take(moved);
  };
  const key = (event: KeyboardEvent) => {
    const cell = at.value ?? { row: 0, column: 0 };
    const next = cellBeside(cell, event.key, rows, columns);
    if (next) {
      event.preventDefault();
      if (event.shiftKey) start.value ??= cell;
      else start.value = null;
      at.value = next;
      brushed.value = start.value ? spanOf(start.value, next) : null;
    } else if (event.key === "Enter") {
      take(brushed.value ?? spanOf(cell, cell));
      start.value = null;
    } else if (event.key === "Escape") {
      start.value = null;
      take(null);
    }
  };

  return (
    <div class="heatmap">
      <span class="axis-title y">{props.yTitle}</span>
      <div class="axis y" aria-hidden="true">
        {labelPlaces(rows, 7).map((row) => (
          <span key={row} style={{ top: percent(row + 0.5, rows) }}>
            {props.rowLabel(row)}
          </span>
        ))}
      </div>
      <div
        class="cells"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes arrow keys
        tabIndex={0}
        aria-label={`${props.title}. Arrow keys move, Shift with arrows selects, Enter takes the selection.`}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
        onPointerLeave={() => {
          if (!start.value) at.value = null;
        }}
        onKeyDown={key}
        onDblClick={() => take(null)}
      >
        <canvas ref={canvas} />
        {at.value && <div class="cell" style={boxOf(spanOf(at.value, at.value), rows, columns)} />}
        {brushed.value && <div class="brush" style={boxOf(brushed.value, rows, columns)} />}
      </div>
      <div class="axis x" aria-hidden="true">
        {labelPlaces(columns, 6).map((column) => (
          <span key={column} style={{ left: percent(column + 0.5, columns) }}>
            {props.columnLabel(column)}
          </span>
        ))}
      </div>
      <span class="axis-title x">{props.xTitle}</span>
      <p class="scale-legend">
        <span>{props.legend[0]}</span>
        <span class="scale" style={{ background: SCALE_GRADIENT }} />
        <span>{props.legend[1]}</span>
      </p>
      <p class="readout" aria-live="polite">
        {at.value ? props.describe(at.value) : "\u00a0"}
      </p>
    </div>
  );
}

/** Keeps a canvas of one pixel a cell. */
function useCells({ rows, columns, values, limits }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!canvas.current || !context || rows * columns === 0) return;
    canvas.current.width = columns;
    canvas.current.height = rows;
    context.putImageData(new ImageData(pixelsOf(values, limits), columns, rows), 0, 0);
  }, [values, limits.low, limits.high, rows, columns]);
  return canvas;
}

function percent(part: number, whole: number): string {
  return `${(100 * part) / whole}%`;
}

function boxOf(range: CellRange, rows: number, columns: number) {
  return {
    left: percent(range.firstColumn, columns),
    width: percent(range.lastColumn - range.firstColumn + 1, columns),
    top: percent(range.firstRow, rows),
    height: percent(range.lastRow - range.firstRow + 1, rows),
  };
}
