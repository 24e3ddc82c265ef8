import { useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { limitsOf } from "../lib/cells";
import { EVERYTHING, episodeSearch } from "../lib/episode_filter";
import { formatMetric } from "../lib/episode_metrics";
import { formatCount, formatValue } from "../lib/format";
import { hrefOf } from "../lib/route";
import { setParams, TEXT, useParam } from "../params";
import { CURVE_AXES, type CurveAxis, readEnvironmentCurves } from "../server/environments";
import type { EnvironmentsShown } from "./environments_shown";
import { SmallCurve } from "./small_curve";
import { useWidth, useWindow } from "./windowed";

/** Height of a row of the grid of curves, and how wide a curve is at least. */
const CURVE_ROW = 132;
const CURVE_WIDTH = 230;
const CURVE_BUCKETS = 160;

/** A curve of each environment that passes the filter, on the same axes. */
export function EnvironmentCurves({ name, version, metric, rows }: EnvironmentsShown) {
  const chosen = useParam("axis", TEXT).value as CurveAxis;
  const axis: CurveAxis = chosen in CURVE_AXES ? chosen : "episode";
  const ids = rows.map((row) => row.id);
  return (
    <section>
      <h2>{metric.name} of each environment</h2>
      <div class="pickers">
        <label>
          Along
          <select value={axis} onChange={(event) => setParams({ axis: event.currentTarget.value })}>
            {Object.keys(CURVE_AXES).map((key) => (
              <option key={key}>{key}</option>
            ))}
          </select>
        </label>
        <span class="faint">
          All curves have the same axes; the band is from least to greatest.
        </span>
      </div>
      <CurveGrid name={name} metric={metric} axis={axis} version={version} ids={ids} />
    </section>
  );
}

interface GridProps extends Pick<EnvironmentsShown, "name" | "version" | "metric"> {
  axis: CurveAxis;
  ids: string[];
}

/** Draws and asks for the curves that are seen, a few rows at a time. */
function CurveGrid({ name, version, metric, axis, ids }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const across = Math.max(1, Math.floor(useWidth(box) / CURVE_WIDTH));
  const rows = Math.ceil(ids.length / across);
  const { from, to } = useWindow(box, CURVE_ROW, rows);
  const shown = ids.slice(from * across, to * across);
  const whole = useAnswer(
    (signal) => readEnvironmentCurves(name, [], metric, axis, CURVE_BUCKETS, signal),
    [formatMetric(metric), axis],
    version,
  );
  const curves = useAnswer(
    (signal) =>
      shown.length === 0
        ? Promise.resolve(null)
        : readEnvironmentCurves(name, shown, metric, axis, CURVE_BUCKETS, signal),
    [formatMetric(metric), axis, shown.join("\n")],
    version,
  );
  const all = whole.value.value;
  const y = all && limitsOf(all.curves.flatMap((c) => [...c.minima, ...c.maxima]));
  const byId = new Map(curves.value.value?.curves.map((c) => [c.environment, c]));
  return (
    <div ref={box} class="curve-grid" style={{ height: `${rows * CURVE_ROW}px` }}>
      {curves.value.failure !== null && <p class="note failed">{curves.value.failure}</p>}
      {all && y && (
        <ul
          style={{
            transform: `translateY(${from * CURVE_ROW}px)`,
            gridTemplateColumns: `repeat(${across}, 1fr)`,
          }}
        >
          {shown.map((id) => {
            const curve = byId.get(id);
            const last = curve?.means.at(-1);
            return (
              <li key={id}>
                <a
                  href={`${hrefOf({ ...name, page: "episodes" })}${episodeSearch({ environments: [id], episodes: EVERYTHING }, formatMetric(metric), name.inherited)}`}
                >
                  <span>{id}</span>
                  <span class="value">{last === undefined ? "" : formatValue(last)}</span>
                </a>
                <SmallCurve
                  curve={curve}
                  x={{ low: all.firstX, high: all.lastX }}
                  y={y}
                  label={`${metric.name} of ${id} along ${axis}`}
                />
              </li>
            );
          })}
        </ul>
      )}
      {all && y && (
        <p class="note curve-range">
          {axis} {formatCount(Math.round(all.firstX))} to {formatCount(Math.round(all.lastX))},{" "}
          {metric.name} {formatValue(y.low)} to {formatValue(y.high)}
        </p>
      )}
    </div>
  );
}
