import type { AxisTick } from "./axis_ticks";
import { envelopeOpacity } from "./envelope_opacity";
import { formatValue } from "./format";
import { ticksOf } from "./ticks";
import type { ValueRange } from "./value_range";

/** A line that is drawn as vectors; its values are at the xs of its chart. */
export interface SvgLine {
  /** What the legend calls it; nothing where it is empty. */
  label: string;
  colour: string;
  values: readonly (number | null)[];
  /** Before smoothing. */
  raw: readonly (number | null)[] | null;
  band: { low: readonly (number | null)[]; high: readonly (number | null)[] } | null;
  /** One of the samples that others sum up. */
  faint: boolean;
  /** xs at which it is not finite. */
  nans: readonly number[];
  infinities: readonly number[];
  negativeInfinities: readonly number[];
}

/** A chart that is drawn as vectors. */
export interface SvgChart {
  title: string;
  /** How it was made, for who looks into the file. */
  description: string;
  xs: ArrayLike<number>;
  lines: readonly SvgLine[];
  x: { title: string; range: ValueRange; log: boolean; ticks: readonly AxisTick[] };
  y: { range: ValueRange; log: boolean };
  /** A horizontal line. */
  threshold: number | null;
}

/** How large a chart is without its legend, in pixels, and where its lines lie in it. */
const WIDTH = 720;
const HEIGHT = 360;
const LEFT = 70;
const RIGHT = 16;
/** How wide the lines are drawn: so much room is there for ticks. */
export const SVG_PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const TOP = 34;
const BOTTOM = 46;
const LEGEND_ROW = 18;
/** Where the first row of the legend is, below the title of the axis. */
const LEGEND_TOP = HEIGHT + 10;

/** A chart as an SVG file of its own, dark on white. */
export function chartToSvg(chart: SvgChart): string {
  const named = chart.lines.filter((line) => line.label !== "");
  const height = HEIGHT + LEGEND_ROW * named.length;
  const place = {
    x: scale(chart.x, LEFT, WIDTH - RIGHT),
    y: scale(chart.y, HEIGHT - BOTTOM, TOP),
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<desc>${escaped(chart.description)}</desc>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="20" font-size="14" font-weight="600">${escaped(chart.title)}</text>`,
    ...yTicks(chart, place.y),
    ...xTicks(chart, place.x),
    `<clipPath id="area"><rect x="${LEFT}" y="${TOP}" width="${WIDTH - LEFT - RIGHT}" height="${HEIGHT - TOP - BOTTOM}"/></clipPath>`,
    `<g clip-path="url(#area)">`,
    ...chart.lines.flatMap((line) => linePaths(chart, line, place)),
    ...thresholdLine(chart, place.y),
    "</g>",
    ...chart.lines.flatMap((line) => marks(chart, line, place.x)),
    ...named.map(legend),
    "</svg>",
    "",
  ].join("\n");
}

type Place = (value: number) => number;

function scale(
  { range, log }: { range: ValueRange; log: boolean },
  from: number,
  to: number,
): Place {
  const on = (v: number) => (log ? Math.log10(v) : v);
  const [low, high] = [on(range[0]), on(range[1])];
  return (v) => from + ((on(v) - low) / (high - low || 1)) * (to - from);
}

function yTicks(chart: SvgChart, y: Place): string[] {
  return ticksOf(chart.y.range, chart.y.log, 6).flatMap((tick) => [
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(tick))}" y2="${round(y(tick))}" stroke="#e1e5ea"/>`,
    `<text x="${LEFT - 8}" y="${round(y(tick) + 4)}" text-anchor="end" fill="#5c6675">${escaped(formatValue(tick))}</text>`,
  ]);
}

function xTicks({ x: { ticks, title } }: SvgChart, x: Place): string[] {
  const base = HEIGHT - BOTTOM;
  return [
    ...ticks.map(
      ({ at, label }) =>
        `<text x="${round(x(at))}" y="${base + 18}" text-anchor="middle" fill="#5c6675">${escaped(label)}</text>`,
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${base + 36}" text-anchor="middle" fill="#5c6675">${escaped(title)}</text>`,
  ];
}

type Places = { x: Place; y: Place };

function linePaths(chart: SvgChart, line: SvgLine, place: Places): string[] {
  const { values, raw, colour, faint } = line;
  const width = faint ? 1 : 1.5;
  return [
    ...bandPath(chart, line, place),
    ...(raw ? valuePath(chart, raw, { colour, width, opacity: 0.35 }, place) : []),
    ...valuePath(chart, values, { colour, width, opacity: faint ? 0.35 : 1 }, place),
  ];
}

function bandPath(chart: SvgChart, { band, colour }: SvgLine, place: Places): string[] {
  if (!band) return [];
  const opacity = round(envelopeOpacity(chart.lines.length));
  const areas = stretches(chart, band.high).map((stretch) => {
    const above = points(chart, stretch, band.high, place);
    const below = points(chart, stretch, band.low, place).reverse();
    return `M${[...above, ...below].join("L")}Z`;
  });
  if (areas.length === 0) return [];
  return [
    `<path d="${areas.join("")}" fill="${colour}" fill-opacity="${opacity}" stroke="${colour}" stroke-opacity="0.25"/>`,
  ];
}

interface Stroke {
  colour: string;
  width: number;
  opacity: number;
}

function valuePath(
  chart: SvgChart,
  values: readonly (number | null)[],
  { colour, width, opacity }: Stroke,
  place: Places,
): string[] {
  const parts = stretches(chart, values).map(
    (stretch) => `M${points(chart, stretch, values, place).join("L")}`,
  );
  if (parts.length === 0) return [];
  return [
    `<path d="${parts.join("")}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-opacity="${opacity}"/>`,
  ];
}

function thresholdLine({ threshold }: SvgChart, y: Place): string[] {
  if (threshold === null) return [];
  const at = round(y(threshold));
  return [
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#5c6675" stroke-dasharray="5"/>`,
  ];
}

/** Places of values that are drawn as one line: what a logarithmic axis cannot have is a gap. */
function stretches({ xs, x, y }: SvgChart, values: readonly (number | null)[]): number[][] {
  const out: number[][] = [];
  let going = false;
  Array.from(xs).forEach((at, i) => {
    const value = values[i];
    if (value === null || value === undefined || (x.log && at <= 0)) return;
    if (y.log && value <= 0) {
      going = false;
    } else if (going) {
      out[out.length - 1]?.push(i);
    } else {
      out.push([i]);
      going = true;
    }
  });
  return out;
}

const TRIANGLE: readonly [number, number][] = [
  [-5, 0],
  [5, 0],
  [0, 8],
];
const DIAMOND: readonly [number, number][] = [
  [0, -5],
  [5, 0],
  [0, 5],
  [-5, 0],
];

/** As on the page: triangles where it is NaN, diamonds where it is infinite. */
function marks(chart: SvgChart, line: SvgLine, x: Place): string[] {
  const draw = (xs: readonly number[], y: number, corners: readonly [number, number][]) =>
    xs
      .filter((at) => at >= chart.x.range[0] && at <= chart.x.range[1])
      .map((at) => corners.map(([right, down]) => `${round(x(at) + right)},${y + down}`))
      .map((places) => `<path d="M${places.join("L")}Z" fill="${line.colour}"/>`);
  return [
    ...draw(line.nans, TOP, TRIANGLE),
    ...draw(line.infinities, TOP, DIAMOND),
    ...draw(line.negativeInfinities, HEIGHT - BOTTOM, DIAMOND),
  ];
}

/** Where values lie; what is below all of a logarithmic axis lies at its bottom. */
function points(
  { xs, y }: SvgChart,
  at: readonly number[],
  values: readonly (number | null)[],
  place: Places,
): string[] {
  return at.map((i) => {
    const value = values[i] ?? 0;
    const shown = y.log && value <= 0 ? y.range[0] : value;
    return `${round(place.x(xs[i] ?? 0))},${round(place.y(shown))}`;
  });
}

function legend({ label, colour }: SvgLine, row: number): string {
  const y = LEGEND_TOP + LEGEND_ROW * row;
  return `<rect x="${LEFT}" y="${y - 5}" width="14" height="3" fill="${colour}"/><text x="${LEFT + 22}" y="${y}">${escaped(label)}</text>`;
}

/** Beyond so many pixels off the page nothing is drawn that readers of files could not take. */
const FAR = 30_000;

const round = (v: number) => Math.round(Math.min(Math.max(v, -FAR), FAR) * 100) / 100;

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
