import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** A value that follows another, anew at most once in so many milliseconds; the last one always comes. */
export function useAtMostEvery<T>(value: T, milliseconds: number): T {
  const shown = useSignal(value);
  const changed = useRef(performance.now());
  useEffect(() => {
    if (shown.peek() === value) return;
    const show = () => {
      changed.current = performance.now();
      shown.value = value;
    };
    const wait = changed.current + milliseconds - performance.now();
    if (wait <= 0) return show();
    const timer = setTimeout(show, wait);
    return () => clearTimeout(timer);
  }, [value]);
  return shown.value;
}
