import { useRef } from "preact/hooks";
import { PANEL_WIDTHS, widthAt, widthByKey } from "../lib/panel_width";

interface Props {
  /** Of what is on the right, in percent of what both sides are in. */
  width: number;
  /** While it is dragged. */
  onDrag: (width: number) => void;
  /** Once it is let go of, or moved by a key. */
  onWidth: (width: number) => void;
}

/** The edge between a table and the charts beside it, which is dragged or moved by arrow keys. */
export function PanelEdge({ width, onDrag, onWidth }: Props) {
  // Where it was dragged to; null: it is not held. What is drawn may lag behind.
  const held = useRef<number | null>(null);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved
    <div
      class="panel-edge"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the charts"
      aria-valuenow={width}
      aria-valuemin={PANEL_WIDTHS.least}
      aria-valuemax={PANEL_WIDTHS.most}
      aria-valuetext={`${width} %`}
      title="Drag, or use the arrow keys"
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        held.current = width;
      }}
      onPointerMove={(event) => {
        const both = event.currentTarget.parentElement;
        if (held.current === null || !both) return;
        held.current = widthAt(event.clientX, both.getBoundingClientRect());
        onDrag(held.current);
      }}
      onLostPointerCapture={() => {
        onWidth(held.current ?? width);
        held.current = null;
      }}
      onKeyDown={(event) => {
        const next = widthByKey(width, event.key);
        if (next === null) return;
        event.preventDefault();
        onWidth(next);
      }}
    />
  );
}
