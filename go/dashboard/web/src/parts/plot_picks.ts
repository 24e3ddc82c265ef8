import type uPlot from "uplot";
import {
  besidePlace,
  type DrawnLines,
  type DrawnPlace,
  nearestPlace,
  otherLine,
} from "../lib/chart_point";

/** A value of a plot that somebody points at. */
export interface PlotPick {
  /** Its line, by place. */
  line: number;
  x: number;
  value: number;
  /** In pixels, within what the plot was put in. */
  left: number;
  top: number;
  /** Whether more is wanted to be known of it. */
  open: boolean;
}

/** The least that a pointer moves in a drag, in pixels; less is a click. */
export const LEAST_DRAG = 3;

/** How far from a value a click may be. */
const REACH = 24;

/**
 * Tells of values that are clicked, or gone to by arrow keys and opened by Enter. What is a
 * drag or a double click picks nothing.
 *
 * @param valuesOf The columns of a plot that may be picked, one a line.
 */
export function watchPicks(
  u: uPlot,
  box: HTMLElement,
  valuesOf: (u: uPlot) => DrawnLines["values"],
  onPick: (pick: PlotPick) => void,
): () => void {
  let at: DrawnPlace | null = null;
  let pressedAt = 0;
  const pick = (place: DrawnPlace, open: boolean) => {
    at = place;
    const told = pickOf(u, box, valuesOf(u), place, open);
    if (told) onPick(told);
  };
  const pressed = (event: PointerEvent) => {
    pressedAt = event.clientX;
  };
  const clicked = (event: MouseEvent) => {
    if (event.detail > 1 || Math.abs(event.clientX - pressedAt) >= LEAST_DRAG) return;
    const { left, top } = u.over.getBoundingClientRect();
    const to = { left: event.clientX - left, top: event.clientY - top };
    const near = nearestPlace(drawnLines(u, valuesOf(u)), to, REACH);
    if (near) pick(near, true);
  };
  const keyed = (event: KeyboardEvent) => {
    if (event.target !== box) return;
    if (event.key === "Enter" && at) pick(at, true);
    else {
      const next = placeByKey(u, valuesOf(u), at, event.key);
      if (!next) return;
      pick(next, false);
    }
    event.preventDefault();
  };
  u.over.addEventListener("pointerdown", pressed);
  u.over.addEventListener("click", clicked);
  box.addEventListener("keydown", keyed);
  return () => box.removeEventListener("keydown", keyed);
}

function drawnLines(u: uPlot, values: DrawnLines["values"]): DrawnLines {
  return {
    xs: u.data[0],
    values,
    left: (x) => u.valToPos(x, "x"),
    top: (value) => u.valToPos(value, "y"),
  };
}

function pickOf(
  u: uPlot,
  box: HTMLElement,
  values: DrawnLines["values"],
  { line, at }: DrawnPlace,
  open: boolean,
): PlotPick | null {
  const x = u.data[0][at];
  const value = values[line]?.[at];
  if (x === undefined || typeof value !== "number") return null;
  const [left, top] = [u.valToPos(x, "x"), u.valToPos(value, "y")];
  u.setCursor({ left, top });
  const [inner, outer] = [u.over.getBoundingClientRect(), box.getBoundingClientRect()];
  const place = { left: left + inner.left - outer.left, top: top + inner.top - outer.top };
  return { line, x, value, ...place, open };
}

/** Where an arrow key leads: along a line, or to another one at the same x. */
function placeByKey(
  u: uPlot,
  values: DrawnLines["values"],
  from: DrawnPlace | null,
  key: string,
): DrawnPlace | null {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[key];
  if (step !== 1 && step !== -1) return null;
  if (!from)
    return nearestPlace(drawnLines(u, values), { left: 0, top: 0 }, Number.POSITIVE_INFINITY);
  if (key === "ArrowLeft" || key === "ArrowRight") return besidePlace(values, from, step);
  return otherLine(values, from, step);
}
