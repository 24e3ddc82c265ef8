import type { ComponentChildren } from "preact";
import { type AxisName, axisTitle, formatX } from "../lib/axis";
import type { Stretch } from "../lib/zoom";

interface Props {
  metric: { metricName: string; scale: string };
  axis: AxisName;
  /** What is zoomed in on. */
  stretch: Stretch | null;
  onShowAll: () => void;
  /** What else can be done. */
  children: ComponentChildren;
}

/** What a chart is of. */
export function ChartCaption({ metric, axis, stretch, onShowAll, children }: Props) {
  return (
    <figcaption>
      <strong title={metric.metricName}>{metric.metricName}</strong>
      <span class="faint">
        {scaleNote(metric.scale)}
        {stretch
          ? `${axisTitle(axis)} ${formatX(axis, stretch.from)} to ${formatX(axis, stretch.to)}`
          : axisTitle(axis)}
      </span>
      {stretch && (
        <button type="button" onClick={onShowAll}>
          Show all
        </button>
      )}
      {children}
    </figcaption>
  );
}

/** What a point of a chart is of, where that is not said by its axis. */
function scaleNote(scale: string): string {
  if (scale === "EPISODE") return "episodes, by ";
  return scale === "ENVIRONMENT_STEP" ? "env steps, by " : "";
}
