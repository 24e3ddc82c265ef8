import { type ReadonlySignal, signal } from "@preact/signals";

const query = window.matchMedia("(min-width: 900px)");
const wide = signal(query.matches);

/** Whether two parts of a page have room beside each other. */
export const wideScreen: ReadonlySignal<boolean> = wide;

query.addEventListener("change", () => {
  wide.value = query.matches;
});
