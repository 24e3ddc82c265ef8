import { type Signal, useSignal } from "@preact/signals";
import { copyProgram } from "../copy_program";
import { downloadText } from "../download";
import { chartToSvg, type SvgLine } from "../lib/chart_svg";
import { fileName } from "../lib/file_name";
import { formatValue } from "../lib/format";
import { statisticsCsv, statisticsPython } from "../lib/statistics_export";
import { ticksOf } from "../lib/ticks";
import type { ValueRange } from "../lib/value_range";
import { yRange } from "../lib/y_range";
import { DRAWING_KINDS, saveDrawing } from "../save_drawing";
import { statisticsJson } from "../server/statistics";
import type { BandLine } from "./band_plot";
import type { FiguresProps } from "./comparison";
import { TableSwitch } from "./table_switch";

interface Props extends FiguresProps {
  /** Whether the numbers are seen instead of the curves. */
  asTable: Signal<boolean>;
  lines: readonly BandLine[];
  threshold: number | null;
  /** How the figure was made. */
  method: string;
}

/** What a figure is made of: its numbers, its picture, and the program that asks for it. */
export function CompareExport(props: Props) {
  const { asTable, of, metric, question, statistics } = props;
  const done = useSignal<"copied" | "saved" | null>(null);
  const title = `${of.project}-${metric.metricName}`;
  const saveCsv = () => {
    const text = statisticsCsv(question.axis, statistics.grid, statistics.groups);
    downloadText(fileName(title, "csv"), "text/csv", text);
  };
  const copy = async () => {
    const program = statisticsPython(window.location.origin, statisticsJson(of, question));
    done.value = await copyProgram(fileName(title, "py"), program);
  };
  return (
    <span class="export">
      <TableSwitch of={metric.metricName} on={asTable} />
      <button type="button" onClick={saveCsv}>
        Save CSV
      </button>
      {DRAWING_KINDS.map((kind) => (
        <button key={kind} type="button" onClick={() => saveDrawing(kind, title, svgOf(props))}>
          Save {kind}
        </button>
      ))}
      <button type="button" onClick={copy}>
        Copy as Python
      </button>
      <span role="status">{done.value && `Program ${done.value}`}</span>
    </span>
  );
}

function svgOf({ metric, question, statistics, lines, threshold, method }: Props): string {
  const { grid, groups } = statistics;
  const x: ValueRange = [grid[0] ?? 0, grid.at(-1) ?? 1];
  const sizes = new Map(groups.map((group) => [group.name, group.samples.length]));
  return chartToSvg({
    title: metric.metricName,
    description: method,
    xs: grid,
    lines: lines.map((line) => svgLine(line, sizes.get(line.label) ?? 0)),
    x: {
      title: question.axis,
      range: x,
      log: false,
      ticks: ticksOf(x, false, MOST_TICKS).map((at) => ({ at, label: formatValue(at) })),
    },
    y: { range: yRange(lines.map(drawn), ALL_OF_IT), log: false },
    threshold,
  });
}

const MOST_TICKS = 8;

const ALL_OF_IT = { band: true, logY: false, robust: false };

function drawn({ values, band }: BandLine) {
  return { values, raw: null, low: band?.low ?? [], high: band?.high ?? [] };
}

function svgLine({ label, colour, values, band, faint = false }: BandLine, n: number): SvgLine {
  return {
    label: faint ? "" : `${label} (n = ${n})`,
    colour,
    values,
    raw: null,
    band: band ?? null,
    faint,
    nans: [],
    infinities: [],
    negativeInfinities: [],
  };
}
