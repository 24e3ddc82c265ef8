import type uPlot from "uplot";
import type { ChartLine, ChartLines } from "../lib/chart_lines";
import { envelopeStretches } from "../lib/envelope_stretches";

/** How the envelope of a line looks. */
export interface EnvelopeLook {
  fill: string;
  /** Of its edges: a band of few points is hardly seen as an area. Null: it has none. */
  edge: string | null;
  /** Of the upright stroke that a single bucket has: over a single x a band has no area. */
  stroke: string;
}

interface Wanted {
  logX: boolean;
  logY: boolean;
  /** Whether ends lie at whole pixels, which is painted faster. */
  whole: boolean;
  look: (place: number) => EnvelopeLook;
}

/**
 * Draws what lies around lines, from the least to the greatest value of each bucket. uPlot's own bands
 * are cut out of the plot by each line's two edges, which takes as long as three lines.
 */
export function drawEnvelopes(u: uPlot, { xs, lines }: ChartLines, wanted: Wanted): void {
  const { ctx, bbox } = u;
  const left = placing(u, "x", wanted.logX, wanted.whole);
  const top = placing(u, "y", wanted.logY, wanted.whole);
  const lefts = xs.map(left);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  const below = bbox.top + bbox.height + 9 * devicePixelRatio;
  const heightOf = (value: number) => (wanted.logY && value <= 0 ? below : top(value));
  lines.forEach((line, place) => {
    const stretches = envelopeStretches(xs, line, wanted);
    const look = wanted.look(place);
    const alone = stretches.length === 1 && stretches[0]?.length === 1;
    for (const stretch of stretches) {
      const ends = [line.high, line.low].map((column) => path(stretch, lefts, column, heightOf));
      if (alone) strokeUpright(ctx, ends, look.stroke);
      else fillBetween(ctx, ends, look);
    }
  });
  ctx.restore();
}

type Place = readonly [left: number, top: number];

function path(
  stretch: readonly number[],
  lefts: readonly number[],
  column: ChartLine["high"],
  heightOf: (value: number) => number,
): Place[] {
  return stretch.map((place) => [lefts[place] ?? 0, heightOf(column[place] ?? 0)]);
}

function fillBetween(
  ctx: CanvasRenderingContext2D,
  [high = [], low = []]: readonly Place[][],
  { fill, edge }: EnvelopeLook,
): void {
  ctx.beginPath();
  for (const place of high) ctx.lineTo(...place);
  for (const place of low.toReversed()) ctx.lineTo(...place);
  ctx.fillStyle = fill;
  ctx.fill();
  if (edge === null) return;
  ctx.strokeStyle = edge;
  ctx.lineWidth = devicePixelRatio;
  for (const places of [high, low]) {
    ctx.beginPath();
    for (const place of places) ctx.lineTo(...place);
    ctx.stroke();
  }
}

function strokeUpright(
  ctx: CanvasRenderingContext2D,
  [high = [], low = []]: readonly Place[][],
  stroke: string,
): void {
  const [[left, top] = [0, 0]] = high;
  const [[, bottom] = [0, 0]] = low;
  if (top === bottom) return;
  ctx.strokeStyle = stroke;
  ctx.lineWidth = 3 * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(left, top);
  ctx.lineTo(left, bottom);
  ctx.stroke();
}

/** Where values of a scale are on the canvas; of a linear one by a multiplication. */
function placing(u: uPlot, key: string, log: boolean, whole: boolean): (value: number) => number {
  const { min, max } = u.scales[key] ?? {};
  const round = whole ? Math.round : (at: number) => at;
  const at = (value: number) => round(u.valToPos(value, key, true));
  if (log || min == null || max == null || !(max > min)) return at;
  const origin = u.valToPos(min, key, true);
  const unit = (u.valToPos(max, key, true) - origin) / (max - min);
  return Number.isFinite(unit) ? (value) => round(origin + unit * (value - min)) : at;
}
