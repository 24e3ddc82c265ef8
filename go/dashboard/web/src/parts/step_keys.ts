import type { Signal } from "@preact/signals";
import { useKeys } from "../keys";

/** Moves a playhead by one env step with [ and ], from 0 to the last. */
export function useStepKeys(
  playhead: Signal<number | null>,
  last: number,
  before: () => void = () => {},
): void {
  const step = (by: number) => {
    before();
    playhead.value = Math.min(Math.max((playhead.peek() ?? 0) + by, 0), Math.max(last, 0));
  };
  useKeys({ "[": () => step(-1), "]": () => step(1) });
}
