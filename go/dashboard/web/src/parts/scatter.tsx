import type { Limits } from "../lib/cells";
import { formatCount, formatValue } from "../lib/format";
import type { EpisodeHistogram } from "../server/episodes";
import { Heatmap } from "./heatmap";

interface Props {
  histogram: EpisodeHistogram;
  xTitle: string;
  yTitle: string;
  limits: Limits | null;
  /** Is told of the stretch upwards that was brushed. */
  onBrush: (from: number, to: number) => void;
}

/** How many episodes are where, as colours: what a scatter of a million points would hide. */
export function Scatter({ histogram: h, xTitle, yTitle, limits, onBrush }: Props) {
  if (!limits) return null;
  const most = Math.max(1, limits.high);
  const edge = (first: number, last: number, i: number, n: number) =>
    first + ((last - first) * i) / Math.max(n, 1);
  const x = (column: number) => edge(h.firstX, h.lastX, column, h.columns);
  // The least y is at the bottom, the first row on top.
  const y = (row: number) => edge(h.firstY, h.lastY, h.rows - row, h.rows);
  return (
    <Heatmap
      rows={h.rows}
      columns={h.columns}
      values={logarithms(h)}
      limits={{ low: 0, high: Math.log(most) }}
      rowLabel={(row) => formatValue(short(y(row + 0.5)))}
      columnLabel={(column) => formatValue(short(x(column + 0.5)))}
      xTitle={xTitle}
      yTitle={yTitle}
      title={`How many episodes there are by ${xTitle} and ${yTitle}`}
      onBrush={(range) => range && onBrush(y(range.lastRow + 1), y(range.firstRow))}
      legend={["1 episode", `${formatCount(most)} episodes`]}
      describe={({ row, column }) => {
        const count = h.counts[(h.rows - 1 - row) * h.columns + column] ?? 0;
        const across = `${formatValue(x(column))} to ${formatValue(x(column + 1))}`;
        const upwards = `${formatValue(y(row + 1))} to ${formatValue(y(row))}`;
        return `${formatCount(count)} with ${xTitle} ${across}, ${yTitle} ${upwards}`;
      }}
    />
  );
}

/** Rows from the top; empty bins have no colour. */
function logarithms(h: EpisodeHistogram): Float64Array {
  return Float64Array.from(h.counts, (_, i) => {
    const row = h.rows - 1 - Math.floor(i / h.columns);
    const count = h.counts[row * h.columns + (i % h.columns)] ?? 0;
    return count > 0 ? Math.log(count) : Number.NaN;
  });
}

/** Three digits are enough at an axis. */
function short(value: number): number {
  return Number(value.toPrecision(3));
}
