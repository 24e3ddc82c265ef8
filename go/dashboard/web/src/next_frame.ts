/** Waits until what the page shows by now is on the screen; of a page that is not seen, until it is. */
export function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}
