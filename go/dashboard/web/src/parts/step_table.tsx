import { formatCount, formatValue } from "../lib/format";
import type { BandLine } from "./band_plot";

/** How many env steps are listed at most. */
const MOST_ROWS = 500;

/** The lines of a chart as a table, a row each env step. */
export function StepTable({ xs, lines }: { xs: readonly number[]; lines: readonly BandLine[] }) {
  const marks = lines.map((line) => new Set(Array.from(line.marks ?? [])));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keyboard
    <div class="step-table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Env step</th>
            {lines.map((line) => (
              <th key={line.label} scope="col" class="number">
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {xs.slice(0, MOST_ROWS).map((x, i) => (
            <tr key={x}>
              <th scope="row">{formatCount(x)}</th>
              {lines.map((line, k) => (
                <td key={line.label} class="number">
                  {marks[k]?.has(x) ? (
                    <span class="failed">not finite</span>
                  ) : (
                    valueText(line.values[i])
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {xs.length > MOST_ROWS && (
        <p class="faint">
          The first {MOST_ROWS} of {formatCount(xs.length)} rows.
        </p>
      )}
    </div>
  );
}

function valueText(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : formatValue(value);
}
