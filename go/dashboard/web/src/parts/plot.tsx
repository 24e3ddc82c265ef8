import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { ChartData, Line } from "../lib/buckets";
import { colourOf } from "../lib/colour";
import { formatValue } from "../lib/format";
import type { Range } from "../server";

interface Props {
  data: ChartData;
  onZoom: (range: Range | null) => void;
  onCursor: (at: number | null) => void;
}

const HEIGHT = 220;

/**
 * Lines with their envelopes, drawn by uPlot. A drag picks a range of steps, a
 * double click asks for all; the cursor is told as the place of an x.
 */
export function Plot({ data, onZoom, onCursor }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ data, onZoom, onCursor });
  latest.current = { data, onZoom, onCursor };
  const shape = data.lines.map((line) => line.label).join("\n");

  useEffect(() => {
    if (!box.current) return;
    const drawn = new uPlot(options(box.current, latest), columns(data), box.current);
    plot.current = drawn;
    const resized = new ResizeObserver(() => {
      drawn.setSize({ width: box.current?.clientWidth ?? 0, height: HEIGHT });
    });
    resized.observe(box.current);
    return () => {
      resized.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData(columns(data));
  }, [data]);

  return <div ref={box} />;
}

/** uPlot's columns: the xs, then max, min and mean of each line. */
function columns(data: ChartData): uPlot.AlignedData {
  return [data.xs, ...data.lines.flatMap((line) => [line.max, line.min, line.mean])];
}

function options(box: HTMLElement, latest: { current: Props }): uPlot.Options {
  const style = getComputedStyle(box);
  const ink = style.getPropertyValue("--faint");
  const grid = { stroke: style.getPropertyValue("--line"), width: 1 };
  const { data } = latest.current;
  return {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    scales: { x: { time: false } },
    series: [{}, ...data.lines.flatMap(seriesOf)],
    bands: data.lines.map((_, place) => ({
      series: [1 + 3 * place, 2 + 3 * place],
      fill: `${colourOf(place)}2e`,
    })),
    axes: [
      { stroke: ink, grid, ticks: grid, size: 28, font: "11px system-ui" },
      {
        stroke: ink,
        grid,
        ticks: grid,
        size: (_, labels) => 18 + 6.5 * Math.max(5, ...(labels ?? []).map((l) => l.length)),
        font: "11px system-ui",
        values: (_, ticks) => ticks.map(formatValue),
      },
    ],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      bind: {
        dblclick: () => () => {
          latest.current.onZoom(null);
          return null;
        },
      },
    },
    hooks: {
      setSelect: [(u) => zoom(u, latest.current)],
      setCursor: [(u) => latest.current.onCursor(u.cursor.idx ?? null)],
      draw: [(u) => drawMarks(u, latest.current.data.lines)],
    },
  };
}

function seriesOf(_: Line, place: number): uPlot.Series[] {
  const colour = colourOf(place);
  const edge: uPlot.Series = { width: 0, points: { show: false }, spanGaps: true };
  return [
    edge,
    edge,
    { stroke: colour, width: 1.5, spanGaps: true, points: { size: 4, fill: colour } },
  ];
}

function zoom(u: uPlot, { onZoom }: Props): void {
  if (u.select.width < 3) return;
  const from = Math.max(0, Math.floor(u.posToVal(u.select.left, "x")));
  const to = Math.ceil(u.posToVal(u.select.left + u.select.width, "x"));
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (to > from) onZoom({ from, to });
}

/** Draws a triangle at the top for every bucket with points that are not finite. */
function drawMarks(u: uPlot, lines: Line[]): void {
  const { ctx, bbox } = u;
  const size = 5 * devicePixelRatio;
  lines.forEach((line, place) => {
    ctx.fillStyle = colourOf(place);
    for (const x of line.marks) {
      const at = u.valToPos(x, "x", true);
      if (at < bbox.left || at > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(at - size, bbox.top);
      ctx.lineTo(at + size, bbox.top);
      ctx.lineTo(at, bbox.top + size * 1.6);
      ctx.fill();
    }
  });
}
