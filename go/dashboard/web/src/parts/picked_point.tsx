import type { AxisName } from "../lib/axis";
import type { ChartPoint } from "../lib/chart_point";
import type { Stretch } from "../lib/zoom";
import type { RunNames } from "../server/curves";
import type { PlotPick } from "./plot_picks";
import { PointCard } from "./point_card";

interface Props {
  names: RunNames;
  metric: { metricName: string; scale: string };
  axis: AxisName;
  pick: PlotPick;
  point: ChartPoint;
  /** How wide the plot is, in pixels. */
  width: number;
  onZoom: (stretch: Stretch) => void;
  onClose: () => void;
}

/** A ring around the value that is picked, and the card that tells of it. */
export function PickedPoint({ names, pick, point, width, ...rest }: Props) {
  const { left, top } = pick;
  // Beside the value, so that a second click there is one on the plot.
  const side = left > width / 2 ? { right: `${width - left + 12}px` } : { left: `${left + 12}px` };
  return (
    <>
      <div class="point-ring" style={{ left: `${left}px`, top: `${top}px` }} />
      {pick.open && (
        <div class="point-place" style={{ top: `${top}px`, ...side }}>
          <PointCard
            key={`${pick.line} ${pick.x}`}
            run={{ workspace: names.workspace, project: names.project, run: point.curve.run }}
            point={point}
            {...rest}
          />
        </div>
      )}
    </>
  );
}
