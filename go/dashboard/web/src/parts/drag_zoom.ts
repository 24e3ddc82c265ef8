import type uPlot from "uplot";
import type { Range } from "../server";

/** Is told which stretch of x was picked; null: all. */
export type OnZoom = (range: Range | null) => void;

/** How many digits an address needs of an end that is no whole number. */
const DIGITS = 6;

/** The least that a pointer moves in a drag, in pixels; less is a click. */
export const LEAST_DRAG = 3;

/** A cursor with which a drag picks a stretch of x, see `reportPicked`, and a double click asks for all. */
export function zoomingCursor(onZoom: OnZoom): uPlot.Cursor {
  return {
    y: false,
    // A drag picks nothing: plot_picks.ts tells it from a click by hand that trembles.
    drag: { x: true, y: false, setScale: false, click: () => {} },
    bind: {
      dblclick: () => () => {
        onZoom(null);
        return null;
      },
    },
  };
}

/** Tells of the stretch that was picked, and lets it go; its ends are whole numbers unless these mean nothing. */
export function reportPicked(u: uPlot, onZoom: OnZoom, whole = true): void {
  if (u.select.width < LEAST_DRAG) return;
  const left = u.posToVal(u.select.left, "x");
  const right = u.posToVal(u.select.left + u.select.width, "x");
  const from = whole ? Math.floor(left) : Number(left.toPrecision(DIGITS));
  const to = whole ? Math.ceil(right) : Number(right.toPrecision(DIGITS));
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (to > from) onZoom({ from, to });
}
