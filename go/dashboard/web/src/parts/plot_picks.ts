import uPlot from "uplot";
import {
  type DrawnLines,
  type DrawnPoint,
  drawnNow,
  firstPoint,
  nearestMark,
  nearestValue,
  pointBeside,
  pointOfOtherLine,
} from "../lib/drawn_points";
import { LEAST_DRAG } from "./drag_zoom";

/** What of a plot somebody points at, and where that is within what the plot was put in. */
export interface PlotPick extends DrawnPoint {
  /** Whether more is wanted to be known of it. */
  open: boolean;
}

/** How far from a value, or a mark, a click may be. */
const REACH = 24;
const MARK_REACH = 8;

/**
 * Tells of values and marks that are clicked, or gone to by arrow keys and opened by Enter.
 * What is a drag or a double click picks nothing.
 *
 * @param drawnOf What of a plot may be picked.
 */
export function watchPicks(
  u: uPlot,
  box: HTMLElement,
  drawnOf: (u: uPlot) => DrawnLines,
  onPick: (pick: PlotPick) => void,
): () => void {
  let at: DrawnPoint | null = null;
  let pressedAt = 0;
  const pick = (point: DrawnPoint, open: boolean) => {
    at = point;
    moveCursor(u, point);
    onPick({ ...point, ...within(u, box, point), open });
  };
  const pressed = (event: PointerEvent) => {
    pressedAt = event.clientX;
  };
  const clicked = (event: MouseEvent) => {
    if (event.detail > 1 || Math.abs(event.clientX - pressedAt) >= LEAST_DRAG) return;
    const { left, top } = u.over.getBoundingClientRect();
    const to = { left: event.clientX - left, top: event.clientY - top };
    const drawn = drawnOf(u);
    const near = nearestMark(drawn, to, MARK_REACH) ?? nearestValue(drawn, to, REACH);
    if (near) pick(near, true);
  };
  const keyed = (event: KeyboardEvent) => {
    if (event.target !== box || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = pointByKey(drawnOf(u), at, event.key);
    if (!next) return;
    pick(next, event.key === "Enter");
    event.preventDefault();
  };
  u.over.addEventListener("pointerdown", pressed);
  u.over.addEventListener("click", clicked);
  box.addEventListener("keydown", keyed);
  return () => box.removeEventListener("keydown", keyed);
}

/** Moves the cursor, and those of the plots that share it: uPlot does that for pointers alone. */
function moveCursor(u: uPlot, { x, left, top }: DrawnPoint): void {
  u.setCursor({ left, top });
  const key = u.cursor.sync?.key;
  for (const other of key === undefined ? [] : uPlot.sync(key).plots) {
    if (other === u) continue;
    const at = other.valToPos(x, "x");
    // A negative place hides it.
    other.setCursor({ left: at <= other.over.clientWidth ? at : -1, top: 0 });
  }
}

/** A place in the area of lines as one in what the plot was put in. */
function within(u: uPlot, box: HTMLElement, { left, top }: { left: number; top: number }) {
  const [inner, outer] = [u.over.getBoundingClientRect(), box.getBoundingClientRect()];
  return { left: left + inner.left - outer.left, top: top + inner.top - outer.top };
}

/** Where a key leads: along a line, or to another one at the same x; Enter stays. */
function pointByKey(drawn: DrawnLines, from: DrawnPoint | null, key: string): DrawnPoint | null {
  if (key === "Enter") return from && drawnNow(drawn, from);
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[key];
  if (step !== 1 && step !== -1) return null;
  if (!from) return firstPoint(drawn);
  const beside = key === "ArrowLeft" || key === "ArrowRight";
  return beside ? pointBeside(drawn, from, step) : pointOfOtherLine(drawn, from, step);
}
