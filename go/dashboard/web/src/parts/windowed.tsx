import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { type Window, windowOf } from "../lib/windowing";

/** The rows of a list that are near the part of the page that is seen, while it scrolls. */
export function useWindow(
  list: RefObject<HTMLElement | null>,
  rowHeight: number,
  count: number,
): Window {
  const shown = useSignal<Window>({ from: 0, to: 0 });
  useEffect(() => {
    const look = () => {
      const top = list.current?.getBoundingClientRect().top;
      if (top === undefined) return;
      const next = windowOf(top, window.innerHeight, rowHeight, count);
      const { from, to } = shown.peek();
      if (next.from !== from || next.to !== to) shown.value = next;
    };
    return watchScroll(look);
  }, [rowHeight, count]);
  return shown.value;
}

/** Looks now, and once a frame while the page, or a part of it, scrolls or changes its size, until it is called off. */
export function watchScroll(look: () => void): () => void {
  let frame = 0;
  const soon = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      look();
    });
  };
  look();
  const moved = new ResizeObserver(soon);
  moved.observe(document.body);
  // Captured: what scrolls within the page does not say so to the window.
  window.addEventListener("scroll", soon, { passive: true, capture: true });
  return () => {
    cancelAnimationFrame(frame);
    moved.disconnect();
    window.removeEventListener("scroll", soon, { capture: true });
  };
}

/** The width of an element, also when it changes. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const width = useSignal(0);
  useEffect(() => {
    if (!element.current) return;
    const resized = new ResizeObserver(() => {
      width.value = element.current?.clientWidth ?? 0;
    });
    resized.observe(element.current);
    return () => resized.disconnect();
  }, []);
  return width.value;
}
