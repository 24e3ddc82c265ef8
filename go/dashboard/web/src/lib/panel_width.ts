/** How much of the page's width the charts beside a table take, in percent. */
export const PANEL_WIDTHS = { least: 25, usual: 50, most: 75 };

/** The nearest width that there may be. */
export function panelWidth(percent: number): number {
  return Math.min(Math.max(Math.round(percent), PANEL_WIDTHS.least), PANEL_WIDTHS.most);
}

/** The width when the edge between table and charts is at x. */
export function widthAt(x: number, { left, right }: { left: number; right: number }): number {
  return panelWidth((100 * (right - x)) / (right - left || 1));
}

/** The width after a key on the edge; null where it has no meaning. */
export function widthByKey(percent: number, key: string): number | null {
  switch (key) {
    case "ArrowLeft":
      return panelWidth(percent + 5);
    case "ArrowRight":
      return panelWidth(percent - 5);
    case "Home":
      return PANEL_WIDTHS.most;
    case "End":
      return PANEL_WIDTHS.least;
    default:
      return null;
  }
}

/** The width in an address; null: there are no charts beside the table. */
export const PANEL = {
  parse: (text: string) => (Number(text) > 0 ? panelWidth(Number(text)) : null),
  format: (percent: number | null) => (percent === null ? "" : String(percent)),
};
