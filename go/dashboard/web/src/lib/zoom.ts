import { AXES, type AxisName } from "./axis";
import { isMetricAxis } from "./metric_axis";

/** A stretch of an axis, both ends included. */
export interface Stretch {
  from: number;
  to: number;
}

/** What charts are zoomed in on, by what they go along: numbers of one axis mean nothing on another. */
export type Zoom = ReadonlyMap<AxisName, Stretch>;

/** Zoom as an address has it: `step:100..200,wall:…`. */
export function formatZoom(zoom: Zoom): string {
  return [...zoom].map(([axis, { from, to }]) => `${axis}:${from}..${to}`).join(",");
}

/** An axis and the ends of a stretch: whole numbers, unless it is of a metric. */
const STRETCH = /^(\w+):(-?\d{1,15})\.\.(-?\d{1,15})$/;
const METRIC_STRETCH = /^(metric=[^:]+):(-?[\d.]+(?:e[+-]\d+)?)\.\.(-?[\d.]+(?:e[+-]\d+)?)$/;

/** Reads what formatZoom writes; what makes no sense is left out. */
export function parseZoom(text: string): Zoom {
  const zoom = new Map<AxisName, Stretch>();
  for (const part of text.split(",")) {
    const [, name = "", from, to] = part.match(STRETCH) ?? part.match(METRIC_STRETCH) ?? [];
    const axis = isMetricAxis(name) ? name : AXES.find((a) => a === name);
    const stretch = { from: Number(from), to: Number(to) };
    if (axis && stretch.to > stretch.from) zoom.set(axis, stretch);
  }
  return zoom;
}

/** Another zoom along one axis; null shows all of it. */
export function zoomed(zoom: Zoom, axis: AxisName, stretch: Stretch | null): Zoom {
  const next = new Map(zoom);
  if (stretch) next.set(axis, stretch);
  else next.delete(axis);
  return next;
}

/** Zoom in an address. */
export const ZOOM = { parse: parseZoom, format: formatZoom };
