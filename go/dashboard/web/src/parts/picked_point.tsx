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
  /** Whether forked runs have the points of their parents, too. */
  inherited: boolean;
  pick: PlotPick;
  point: ChartPoint;
  /** What is drawn instead of its value. */
  smoothed: number | null;
  /** How wide the plot is, in pixels. */
  width: number;
  onZoom: (stretch: Stretch) => void;
  onClose: () => void;
}

/** How wide the card is, and how far it lies off the value, in pixels. */
const CARD_WIDTH = 310;
const OFF = 14;

/** A ring around the value that is picked, and the card that tells of it. */
export function PickedPoint({ names, pick, point, width, ...rest }: Props) {
  const { left, top } = pick;
  // Off the value, so that a second click there is one on the plot.
  const beside = left > width / 2 ? left - OFF - CARD_WIDTH : left + OFF;
  const within = Math.max(0, Math.min(beside, width - CARD_WIDTH));
  const place = { left: `${within}px`, top: `${top + OFF}px`, width: `${CARD_WIDTH}px` };
  return (
    <>
      <div class="point-ring" style={{ left: `${left}px`, top: `${top}px` }} />
      {pick.open && (
        <div class="point-place" style={place}>
          <PointCard
            key={`${pick.line} ${pick.x} ${pick.value}`}
            run={{ workspace: names.workspace, project: names.project, run: point.curve.run }}
            point={point}
            {...rest}
          />
        </div>
      )}
    </>
  );
}
