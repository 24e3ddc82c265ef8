import { type AxisName, axisTitle, formatX } from "./axis";
import type { ChartLines } from "./chart_lines";
import { formatValue } from "./format";
import { ticksOf } from "./ticks";
import type { ValueRange } from "./value_range";

/** A chart that is drawn as vectors. */
export interface SvgChart {
  title: string;
  axis: AxisName;
  lines: ChartLines;
  colours: readonly string[];
  band: boolean;
  x: { range: ValueRange; log: boolean };
  y: { range: ValueRange; log: boolean };
}

const WIDTH = 720;
const HEIGHT = 360;
const LEFT = 70;
const RIGHT = 16;
const TOP = 34;
const BOTTOM = 46;
const LEGEND_ROW = 18;

/** A chart as an SVG file of its own, dark on white. */
export function chartToSvg(chart: SvgChart): string {
  const named = chart.lines.lines.filter((line) => line.label !== "");
  const height = HEIGHT + LEGEND_ROW * named.length;
  const place = {
    x: scale(chart.x, LEFT, WIDTH - RIGHT),
    y: scale(chart.y, HEIGHT - BOTTOM, TOP),
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="20" font-size="14" font-weight="600">${escaped(chart.title)}</text>`,
    ...yTicks(chart, place.y),
    ...xTicks(chart, place.x),
    `<clipPath id="area"><rect x="${LEFT}" y="${TOP}" width="${WIDTH - LEFT - RIGHT}" height="${HEIGHT - TOP - BOTTOM}"/></clipPath>`,
    `<g clip-path="url(#area)">`,
    ...chart.lines.lines.flatMap((_, i) => linePaths(chart, i, place)),
    "</g>",
    ...chart.lines.lines.flatMap((_, i) => marks(chart, i, place.x)),
    ...named.map((line, row) => legend(chart, line.label, chart.lines.lines.indexOf(line), row)),
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

function xTicks(chart: SvgChart, x: Place): string[] {
  const base = HEIGHT - BOTTOM;
  const most = chart.axis === "wall" ? 3 : 6;
  return [
    ...ticksOf(chart.x.range, chart.x.log, most).map(
      (tick) =>
        `<text x="${round(x(tick))}" y="${base + 18}" text-anchor="middle" fill="#5c6675">${escaped(formatX(chart.axis, tick))}</text>`,
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${base + 36}" text-anchor="middle" fill="#5c6675">${escaped(axisTitle(chart.axis))}</text>`,
  ];
}

function linePaths(chart: SvgChart, i: number, place: { x: Place; y: Place }): string[] {
  const line = chart.lines.lines[i];
  if (!line) return [];
  const colour = chart.colours[i] ?? "#3b7de0";
  const out = [];
  if (chart.band) {
    const bands = stretches(chart, line.high).map((stretch) => {
      const above = points(chart, stretch, line.high, place);
      const below = points(chart, stretch, line.low, place).reverse();
      return `M${[...above, ...below].join("L")}Z`;
    });
    if (bands.length > 0) {
      out.push(
        `<path d="${bands.join("")}" fill="${colour}" fill-opacity="0.18" stroke="${colour}" stroke-opacity="0.25"/>`,
      );
    }
  }
  for (const [values, opacity] of [
    [line.raw, 0.35],
    [line.values, 1],
  ] as const) {
    const drawn = values ?? [];
    const parts = stretches(chart, drawn).map(
      (stretch) => `M${points(chart, stretch, drawn, place).join("L")}`,
    );
    if (parts.length > 0) {
      out.push(
        `<path d="${parts.join("")}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-opacity="${opacity}"/>`,
      );
    }
  }
  return out;
}

/** Places of values that are drawn as one line: what a logarithmic axis cannot have is a gap. */
function stretches({ lines, x, y }: SvgChart, values: readonly (number | null)[]): number[][] {
  const out: number[][] = [];
  let going = false;
  lines.xs.forEach((at, i) => {
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

/** As on the page: triangles where it is NaN, diamonds where it is infinite. */
function marks(chart: SvgChart, i: number, x: Place): string[] {
  const line = chart.lines.lines[i];
  if (!line) return [];
  const fill = chart.colours[i] ?? "#3b7de0";
  const draw = (xs: readonly number[], y: number, shape: string) =>
    xs
      .filter((at) => at >= chart.x.range[0] && at <= chart.x.range[1])
      .map((at) => `<path d="M${round(x(at))},${y}${shape}Z" fill="${fill}"/>`);
  const diamond = "m0,-5l5,5l-5,5l-5,-5";
  return [
    ...draw(line.nans, TOP, "m-5,0h10l-5,8"),
    ...draw(line.infinities, TOP, diamond),
    ...draw(line.negativeInfinities, HEIGHT - BOTTOM, diamond),
  ];
}

/** Where values lie; what is below all of a logarithmic axis lies at its bottom. */
function points(
  { lines, y }: SvgChart,
  at: readonly number[],
  values: readonly (number | null)[],
  place: { x: Place; y: Place },
): string[] {
  return at.map((i) => {
    const value = values[i] ?? 0;
    const shown = y.log && value <= 0 ? y.range[0] : value;
    return `${round(place.x(lines.xs[i] ?? 0))},${round(place.y(shown))}`;
  });
}

function legend(chart: SvgChart, label: string, line: number, row: number): string {
  const y = HEIGHT + LEGEND_ROW * row;
  return `<rect x="${LEFT}" y="${y - 5}" width="14" height="3" fill="${chart.colours[line] ?? "#3b7de0"}"/><text x="${LEFT + 22}" y="${y}">${escaped(label)}</text>`;
}

const round = (v: number) => Math.round(v * 100) / 100;

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
