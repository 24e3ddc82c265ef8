import { PANEL, PANEL_WIDTHS } from "../lib/panel_width";
import { setParams } from "../params";
import { wideScreen } from "../wide_screen";

/** Shows and hides the charts beside the table; where there is no room, leads to their page. */
export function ChartsSwitch({ open, href }: { open: boolean; href: string }) {
  if (!wideScreen.value) {
    return (
      <a class="button" href={href}>
        Charts
      </a>
    );
  }
  return (
    <button
      type="button"
      aria-expanded={open}
      onClick={() => setParams({ panel: PANEL.format(open ? null : PANEL_WIDTHS.usual) })}
    >
      {open ? "Hide charts" : "Show charts"}
    </button>
  );
}
