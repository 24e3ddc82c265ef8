import type { ReadonlySignal } from "@preact/signals";
import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Limits } from "../lib/cells";
import { formatValue } from "../lib/format";
import { stepsAmong } from "../lib/ticks";
import { aired } from "../lib/value_range";
import { xRange } from "../lib/x_range";
import type { Range } from "../server";
import { watchTheme } from "../theme_watch";
import { type OnZoom, reportPicked, zoomingCursor } from "./drag_zoom";
import { fitWidth } from "./fit_width";

/** A line of a plot, its values at the plot's xs; null is a gap. */
export interface BandLine {
  label: string;
  colour: string;
  values: (number | null)[];
  /** What the line lies in: an interval or an envelope. */
  band?: { low: (number | null)[]; high: (number | null)[] };
  /** A band that is an area of a stack, or one of which only the edges are drawn; otherwise pale. */
  bandStyle?: "area" | "edges";
  /** Drawn thin and pale, behind the others: one of the samples that others sum up. */
  faint?: boolean;
  dash?: number[];
  /** xs at which it is not finite. */
  marks?: ArrayLike<number>;
}

/** A picture behind lines, and where it lies. */
export interface Backdrop {
  image: CanvasImageSource;
  x: Limits;
  y: Limits;
}

interface Props {
  xs: ArrayLike<number>;
  lines: BandLine[];
  height?: number;
  /** Plots of one key move their cursors together. */
  syncKey?: string;
  /** A vertical line that stays, at this x. */
  playhead?: ReadonlySignal<number | null>;
  /** Vertical lines with what happened there. */
  events?: readonly { x: number; title: string }[];
  /** A horizontal line. */
  threshold?: number | null;
  /** Lies behind grid and lines; axes reach from end to end of it. */
  backdrop?: Backdrop;
  /** The stretch of x that is shown; all without. */
  range?: Range | null;
  /** With it, a drag picks a stretch of x. */
  onZoom?: OnZoom;
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
  const shape = [
    height,
    props.syncKey,
    props.backdrop !== undefined,
    ...props.lines.map((l) => `${l.label} ${l.colour} ${!l.band} ${l.bandStyle} ${l.faint}`),
  ];

  useEffect(() => {
    if (!box.current) return;
    const drawn = new uPlot(options(box.current, height, latest), columns(props), box.current);
    plot.current = drawn;
    const unfit = fitWidth(drawn, box.current, () => height);
    const unwatch = watchTheme(() => drawn.redraw());
    return () => {
      unwatch();
      unfit();
      drawn.destroy();
      plot.current = null;
    };
  }, [shape.join("\n")]);

  useEffect(() => {
    plot.current?.setData(columns(props));
    movePlayhead(plot.current, props.playhead?.peek() ?? null);
  }, [props.xs, props.lines, props.threshold, props.events, props.backdrop, props.range]);

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
    scales: {
      x: { time: false, ...(latest.current.onZoom ? { range: xRangeOf(latest) } : {}) },
      y: latest.current.backdrop ? { range: yRangeOf(latest) } : {},
    },
    series: [{}, ...lines.flatMap(seriesOf)],
    bands: bandsOf(lines),
    axes: [
      {
        stroke: ink,
        grid,
        ticks: grid,
        size: 28,
        font: "11px system-ui",
        incrs: (u) => stepsAmong(u.data[0]),
        values: (_, ticks) => ticks.map(formatValue),
      },
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
      ...(latest.current.onZoom
        ? zoomingCursor((range) => latest.current.onZoom?.(range))
        : { y: false, drag: { x: false, y: false } }),
      ...(syncKey ? { sync: { key: syncKey, scales: ["x", null] } } : {}),
    },
    hooks: {
      ready: [
        (u) => onClick(u, latest),
        (u) => movePlayhead(u, latest.current.playhead?.peek() ?? null),
      ],
      setSelect: [(u) => latest.current.onZoom && reportPicked(u, latest.current.onZoom)],
      drawClear: [(u) => drawBackdrop(u, latest.current)],
      setCursor: [(u) => latest.current.onCursor?.(u.cursor.idx ?? null)],
      setSize: [(u) => movePlayhead(u, latest.current.playhead?.peek() ?? null)],
      draw: [(u) => drawMarks(u, latest.current), (u) => drawEvents(u, latest.current)],
    },
  };
}

function seriesOf(line: BandLine): uPlot.Series[] {
  const edge: uPlot.Series = {
    points: { show: false },
    spanGaps: true,
    ...(line.bandStyle === "edges"
      ? { stroke: `${line.colour}d9`, width: 1, dash: [3, 3] }
      : { width: 0 }),
  };
  const drawn: uPlot.Series = {
    stroke: line.faint ? `${line.colour}59` : line.colour,
    width: line.faint ? 1 : 1.5,
    spanGaps: true,
    points:
      line.faint || line.bandStyle || line.dash ? { show: false } : { size: 4, fill: line.colour },
    ...(line.dash ? { dash: line.dash } : {}),
  };
  return line.band ? [edge, edge, drawn] : [drawn];
}

/** How opaque bands are, as two hexadecimal digits. */
const BAND_OPACITY = { area: "99", edges: "0d", pale: "2e" };

function bandsOf(lines: BandLine[]): uPlot.Band[] {
  const bands: uPlot.Band[] = [];
  let place = 1;
  for (const line of lines) {
    const fill = `${line.colour}${BAND_OPACITY[line.bandStyle ?? "pale"]}`;
    if (line.band) bands.push({ series: [place, place + 1], fill });
    place += line.band ? 3 : 1;
  }
  return bands;
}

/** What is zoomed in on, or else the backdrop, or all xs. */
function xRangeOf(latest: { current: Props }): uPlot.Range.Function {
  return () => {
    const { backdrop, range, xs } = latest.current;
    if (backdrop && !range) return [backdrop.x.low, backdrop.x.high];
    return xRange(Array.from(xs), { range: range ?? null, log: false, time: false });
  };
}

/** Backdrop and lines. */
function yRangeOf(latest: { current: Props }): uPlot.Range.Function {
  return (_, low, high) => {
    const { y } = latest.current.backdrop ?? { y: { low, high } };
    return aired([Math.min(low ?? y.low, y.low), Math.max(high ?? y.high, y.high)], false);
  };
}

function drawBackdrop(u: uPlot, { backdrop }: Props): void {
  if (!backdrop) return;
  const { ctx, bbox } = u;
  const { image, x, y } = backdrop;
  const [left, right] = [u.valToPos(x.low, "x", true), u.valToPos(x.high, "x", true)];
  const [bottom, top] = [u.valToPos(y.low, "y", true), u.valToPos(y.high, "y", true)];
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(image, left, top, right - left, bottom - top);
  ctx.restore();
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

/** A dashed line down from each event, with its title at the side that has more room. */
function drawEvents(u: uPlot, { events }: Props): void {
  if (!events || events.length === 0) return;
  const { ctx, bbox } = u;
  const pixel = devicePixelRatio;
  const colour = getComputedStyle(u.root).getPropertyValue("--faint");
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.font = `${10 * pixel}px system-ui`;
  ctx.textBaseline = "top";
  ctx.lineWidth = pixel;
  ctx.setLineDash([4 * pixel, 3 * pixel]);
  for (const { x, title } of events) {
    const at = u.valToPos(x, "x", true);
    if (!(at >= bbox.left && at <= bbox.left + bbox.width)) continue;
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    const left = at > bbox.left + bbox.width / 2;
    ctx.textAlign = left ? "right" : "left";
    ctx.fillText(title, at + (left ? -4 : 4) * pixel, bbox.top + 2 * pixel);
  }
  ctx.restore();
}
