import type { ReadonlySignal } from "@preact/signals";
import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { formatValue } from "../lib/format";
import { watchTheme } from "../theme_watch";

/** A line of a plot, its values at the plot's xs; null is a gap. */
export interface BandLine {
  label: string;
  colour: string;
  values: (number | null)[];
  /** What the line lies in: an interval or an envelope. */
  band?: { low: (number | null)[]; high: (number | null)[] };
  /** Drawn thin and pale, behind the others: one of the samples that others sum up. */
  faint?: boolean;
  dash?: number[];
  /** xs at which it is not finite. */
  marks?: ArrayLike<number>;
}

interface Props {
  xs: ArrayLike<number>;
  lines: BandLine[];
  height?: number;
  /** Plots of one key move their cursors together. */
  syncKey?: string;
  /** A vertical line that stays, at this x. */
  playhead?: ReadonlySignal<number | null>;
  /** A horizontal line. */
  threshold?: number | null;
  /** Is told of the place among xs that the cursor is at. */
  onCursor?: (at: number | null) => void;
  /** Is told of the x that was clicked. */
  onPick?: (x: number) => void;
  /** What readers that cannot see it are told. */
  label: string;
}

/** Lines with bands, drawn by uPlot. */
export function BandPlot(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const height = props.height ?? 220;
  const shape = [height, ...props.lines.map((l) => `${l.label} ${l.colour} ${!l.band} ${l.faint}`)];

  useEffect(() => {
    if (!box.current) return;
    const drawn = new uPlot(options(box.current, height, latest), columns(props), box.current);
    plot.current = drawn;
    const resized = new ResizeObserver(() => {
      drawn.setSize({ width: box.current?.clientWidth ?? 0, height });
    });
    resized.observe(box.current);
    const unwatch = watchTheme(() => drawn.redraw());
    return () => {
      unwatch();
      resized.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, [shape.join("\n")]);

  useEffect(() => {
    plot.current?.setData(columns(props));
    movePlayhead(plot.current, props.playhead?.peek() ?? null);
  }, [props.xs, props.lines, props.threshold]);

  useSignalEffect(() => movePlayhead(plot.current, props.playhead?.value ?? null));

  return <div class="band-plot" ref={box} role="img" aria-label={props.label} />;
}

/** uPlot's columns: the xs, then for each line its band, where it has one, and its values. */
function columns({ xs, lines }: Props): uPlot.AlignedData {
  const of = (line: BandLine) =>
    line.band ? [line.band.high, line.band.low, line.values] : [line.values];
  return [Array.from(xs), ...lines.flatMap(of)];
}

function options(box: HTMLElement, height: number, latest: { current: Props }): uPlot.Options {
  const { lines, syncKey } = latest.current;
  const variable = (name: string) => getComputedStyle(box).getPropertyValue(name);
  const ink = () => variable("--faint");
  const grid = { stroke: () => variable("--line"), width: 1 };
  return {
    width: box.clientWidth,
    height,
    legend: { show: false },
    scales: { x: { time: false } },
    series: [{}, ...lines.flatMap(seriesOf)],
    bands: bandsOf(lines),
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
      drag: { x: false, y: false },
      ...(syncKey ? { sync: { key: syncKey, scales: ["x", null] } } : {}),
    },
    hooks: {
      ready: [(u) => onClick(u, latest)],
      setCursor: [(u) => latest.current.onCursor?.(u.cursor.idx ?? null)],
      setSize: [(u) => movePlayhead(u, latest.current.playhead?.peek() ?? null)],
      draw: [(u) => drawMarks(u, latest.current)],
    },
  };
}

function seriesOf(line: BandLine): uPlot.Series[] {
  const edge: uPlot.Series = { width: 0, points: { show: false }, spanGaps: true };
  const drawn: uPlot.Series = {
    stroke: line.faint ? `${line.colour}59` : line.colour,
    width: line.faint ? 1 : 1.5,
    spanGaps: true,
    points: line.faint ? { show: false } : { size: 4, fill: line.colour },
    ...(line.dash ? { dash: line.dash } : {}),
  };
  return line.band ? [edge, edge, drawn] : [drawn];
}

function bandsOf(lines: BandLine[]): uPlot.Band[] {
  const bands: uPlot.Band[] = [];
  let place = 1;
  for (const line of lines) {
    if (line.band) bands.push({ series: [place, place + 1], fill: `${line.colour}2e` });
    place += line.band ? 3 : 1;
  }
  return bands;
}

function onClick(u: uPlot, latest: { current: Props }): void {
  u.over.addEventListener("click", () => {
    const { left } = u.cursor;
    if (left !== undefined && left >= 0) latest.current.onPick?.(u.posToVal(left, "x"));
  });
}

/** Puts the playhead where it belongs: an element of its own, so that nothing is drawn anew. */
function movePlayhead(u: uPlot | null, x: number | null): void {
  if (!u) return;
  let line = u.over.querySelector<HTMLElement>(".playhead");
  if (!line) {
    line = document.createElement("div");
    line.className = "playhead";
    u.over.append(line);
  }
  const left = x === null ? Number.NaN : u.valToPos(x, "x");
  line.hidden = !(left >= 0 && left <= u.over.clientWidth);
  if (!line.hidden) line.style.transform = `translateX(${left}px)`;
}

/** Triangles at the top where lines are not finite, and the threshold. */
function drawMarks(u: uPlot, { lines, threshold }: Props): void {
  const { ctx, bbox } = u;
  const size = 5 * devicePixelRatio;
  for (const line of lines) {
    ctx.fillStyle = line.colour;
    for (const x of Array.from(line.marks ?? [])) {
      const at = u.valToPos(x, "x", true);
      if (at < bbox.left || at > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(at - size, bbox.top);
      ctx.lineTo(at + size, bbox.top);
      ctx.lineTo(at, bbox.top + size * 1.6);
      ctx.fill();
    }
  }
  if (threshold === null || threshold === undefined) return;
  const at = u.valToPos(threshold, "y", true);
  if (at < bbox.top || at > bbox.top + bbox.height) return;
  ctx.save();
  ctx.strokeStyle = getComputedStyle(u.root).getPropertyValue("--faint");
  ctx.setLineDash([size, size]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, at);
  ctx.lineTo(bbox.left + bbox.width, at);
  ctx.stroke();
  ctx.restore();
}
