import { type AxisName, axisTitle, formatX } from "../lib/axis";
import { formatValue } from "../lib/format";
import type { Curve } from "../server/curves";

/** How many rows a table of a chart has; the CSV file has them all. */
const MOST_ROWS = 500;

/** The numbers of a chart as a table. */
export function CurveTable({ axis, curves }: { axis: AxisName; curves: readonly Curve[] }) {
  const rows = curves.flatMap((curve) => Array.from(curve.xs, (x, i) => ({ curve, x, i })));
  return (
    <div class="curve-table">
      <table>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">{axisTitle(axis)}</th>
            <th scope="col">Mean</th>
            <th scope="col">Min</th>
            <th scope="col">Max</th>
            <th scope="col">Points</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map(({ curve, x, i }) => (
            <tr key={`${curve.run} ${curve.labels} ${x}`}>
              <th scope="row">{[curve.run, curve.labels].join(" ")}</th>
              <td>{formatX(axis, x)}</td>
              <td>{formatValue(curve.means[i] ?? Number.NaN)}</td>
              <td>{formatValue(curve.minima[i] ?? Number.NaN)}</td>
              <td>{formatValue(curve.maxima[i] ?? Number.NaN)}</td>
              <td>{curve.counts[i]}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ROWS && (
        <p class="faint">
          The first {MOST_ROWS} of {rows.length} rows; CSV has all.
        </p>
      )}
    </div>
  );
}
