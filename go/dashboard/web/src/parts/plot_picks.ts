import type uPlot from "uplot";
import {
  besidePlace,
  type DrawnLines,
  type DrawnMark,
  type DrawnPlace,
  firstPlace,
  nearestMark,
  nearestPlace,
  otherLine,
} from "../lib/chart_point";
import { LEAST_DRAG } from "./drag_zoom";

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

/** How far from a value, or a mark, a click may be. */
const REACH = 24;
const MARK_REACH = 8;

/**
 * Tells of values that are clicked, or gone to by arrow keys and opened by Enter. What is a
 * drag or a double click picks nothing.
 *
 * @param valuesOf The columns of a plot that may be picked, one a line.
 * @param marksOf Where it has marks, which are clicked as points are.
 */
export function watchPicks(
  u: uPlot,
  box: HTMLElement,
  valuesOf: (u: uPlot) => DrawnLines["values"],
  marksOf: (u: uPlot) => DrawnMark[],
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
    const mark = nearestMark(marksOf(u), to, MARK_REACH);
    if (mark) return onPick({ ...mark, ...within(u, box, mark), open: true });
    const near = nearestPlace(drawnLines(u, valuesOf(u)), to, REACH);
    if (near) pick(near, true);
  };
  const keyed = (event: KeyboardEvent) => {
    if (event.target !== box || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" && at) pick(at, true);
    else {
      const next = placeByKey(valuesOf(u), at, event.key);
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
  return { line, x, value, ...within(u, box, { left, top }), open };
}

/** A place in the area of lines as one in what the plot was put in. */
function within(u: uPlot, box: HTMLElement, { left, top }: { left: number; top: number }) {
  const [inner, outer] = [u.over.getBoundingClientRect(), box.getBoundingClientRect()];
  return { left: left + inner.left - outer.left, top: top + inner.top - outer.top };
}

/** Where an arrow key leads: along a line, or to another one at the same x. */
function placeByKey(
  values: DrawnLines["values"],
  from: DrawnPlace | null,
  key: string,
): DrawnPlace | null {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[key];
  if (step !== 1 && step !== -1) return null;
  if (!from) return firstPlace(values);
  if (key === "ArrowLeft" || key === "ArrowRight") return besidePlace(values, from, step);
  return otherLine(values, from, step);
}
