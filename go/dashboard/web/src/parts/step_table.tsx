import { formatCount, formatValue } from "../lib/format";
import type { BandLine } from "./band_plot";
import { NumberTable } from "./number_table";

interface Props {
  label: string;
  xs: readonly number[];
  lines: readonly BandLine[];
}

/** The lines of a chart as a table, a row each env step. */
export function StepTable({ label, xs, lines }: Props) {
  return (
    <NumberTable
      kind="step-table"
      label={label}
      head={["Env step", ...lines.map((line) => line.label)]}
      rows={rowsOf(xs, lines)}
      total={xs.length}
    />
  );
}

function* rowsOf(xs: readonly number[], lines: readonly BandLine[]) {
  const marks = lines.map((line) => new Set(Array.from(line.marks ?? [])));
  for (const [i, x] of xs.entries()) {
    yield [
      formatCount(x),
      ...lines.map(({ values }, k) =>
        marks[k]?.has(x) ? <span class="failed">not finite</span> : valueText(values[i]),
      ),
    ];
  }
}

function valueText(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : formatValue(value);
}
