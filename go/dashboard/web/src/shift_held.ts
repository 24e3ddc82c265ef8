import { type ReadonlySignal, signal } from "@preact/signals";

const held = signal(false);

/** Whether the Shift key is held. */
export const shiftHeld: ReadonlySignal<boolean> = held;

for (const type of ["keydown", "keyup", "pointermove"] as const) {
  document.addEventListener(type, ({ shiftKey }) => {
    held.value = shiftKey;
  });
}
// It may be let go of elsewhere.
window.addEventListener("blur", () => {
  held.value = false;
});
