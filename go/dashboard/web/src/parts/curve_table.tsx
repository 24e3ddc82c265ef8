import { type AxisName, axisTitle, formatX } from "../lib/axis";
import { formatCount, formatValue } from "../lib/format";
import type { Curve } from "../server/curves";
import { NumberTable } from "./number_table";

interface Props {
  label: string;
  axis: AxisName;
  curves: readonly Curve[];
}

/** The numbers of a chart as a table. */
export function CurveTable({ label, axis, curves }: Props) {
  return (
    <NumberTable
      kind="curve-table"
      label={label}
      head={["Run", axisTitle(axis), "Mean", "Min", "Max", "Points"]}
      rows={rowsOf(axis, curves)}
      total={curves.reduce((n, curve) => n + curve.xs.length, 0)}
      elsewhere="; CSV has all"
    />
  );
}

function* rowsOf(axis: AxisName, curves: readonly Curve[]) {
  for (const { run, labels, xs, means, minima, maxima, counts } of curves) {
    const name = [run, labels].join(" ");
    for (const [i, x] of Array.from(xs).entries()) {
      const numbers = [means, minima, maxima].map((of) => formatValue(of[i] ?? Number.NaN));
      yield [name, formatX(axis, x), ...numbers, formatCount(counts[i] ?? 0)];
    }
  }
}
