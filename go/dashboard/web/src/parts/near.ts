import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** How far beyond what is seen an element still counts as near, in pixels. */
const BEYOND = 400;

/** Whether an element is near what is seen: what is far from it need not be drawn. */
export function useNear(element: RefObject<HTMLElement | null>): boolean {
  const near = useSignal(false);
  useEffect(() => {
    if (!element.current) return;
    const watch = new IntersectionObserver(
      (entries) => {
        near.value = entries.at(-1)?.isIntersecting ?? false;
      },
      { rootMargin: `${BEYOND}px 0px` },
    );
    watch.observe(element.current);
    return () => watch.disconnect();
  }, []);
  return near.value;
}
