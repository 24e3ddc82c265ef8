import type uPlot from "uplot";

/**
 * Keeps a plot as wide as its box, and as high as it should be; returns how to end that. An
 * observer tells of the size that a box has, too, in which the plot was drawn already.
 */
export function fitWidth(plot: uPlot, box: HTMLElement, height: () => number): () => void {
  const resized = new ResizeObserver(() => {
    const size = { width: box.clientWidth, height: height() };
    if (size.width !== plot.width || size.height !== plot.height) plot.setSize(size);
  });
  resized.observe(box);
  return () => resized.disconnect();
}
