/** Waits until what the page shows by now is on the screen; of a page that nobody sees nothing is awaited. */
export function nextFrame(): Promise<void> {
  if (document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      document.removeEventListener("visibilitychange", end);
      resolve();
    };
    document.addEventListener("visibilitychange", end);
    requestAnimationFrame(() => setTimeout(end));
  });
}
