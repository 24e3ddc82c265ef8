import type { Signal } from "@preact/signals";
import { copyProgram } from "../copy_program";
import { downloadText } from "../download";
import { type AxisName, axisTitle, isTime } from "../lib/axis";
import { axisTicks } from "../lib/axis_ticks";
import { curvesToCsv } from "../lib/chart_csv";
import type { ChartLines } from "../lib/chart_lines";
import { type ChartSettings, formatSettings } from "../lib/chart_settings";
import { chartToSvg, SVG_PLOT_WIDTH } from "../lib/chart_svg";
import { fileName } from "../lib/file_name";
import { pythonCall } from "../lib/python_call";
import { xRange } from "../lib/x_range";
import { yRange } from "../lib/y_range";
import { DRAWING_KINDS, saveDrawing } from "../save_drawing";
import type { Range } from "../server";
import type { Curve, RunNames } from "../server/curves";
import { Menu } from "./menu";
import { type SettingsChoices, SettingsForm } from "./settings_form";

interface Props {
  names: RunNames;
  metric: { metricName: string; scale: string };
  axis: AxisName;
  range: Range | null;
  buckets: number;
  settings: ChartSettings;
  page: ChartSettings;
  curves: readonly Curve[];
  lines: ChartLines;
  colours: readonly string[];
  asTable: Signal<boolean>;
  /** What its own settings choose from. */
  choices: SettingsChoices;
  onOwn?: (own: string) => void;
  /** Without, the chart cannot be put on top of its page. */
  pin?: ChartPin;
}

/** Whether a chart stands on top of its page, too. */
export interface ChartPin {
  on: boolean;
  onToggle: () => void;
}

/** What can be done with a chart: settings of its own, its numbers, files. */
export function ChartMenu(props: Props) {
  const { settings, page, choices, onOwn, asTable, pin } = props;
  return (
    <div class="chart-menu">
      <Menu title="⋯" label={`More of ${props.metric.metricName}`}>
        {(close) => {
          const act = (action: () => void) => () => {
            action();
            close();
          };
          return (
            <>
              {onOwn && (
                <>
                  <SettingsForm
                    settings={settings}
                    choices={choices}
                    onChange={(next) => onOwn(formatSettings(next, page))}
                  />
                  <button type="button" onClick={act(() => onOwn(""))}>
                    As the page has it
                  </button>
                </>
              )}
              {pin && (
                <button type="button" onClick={act(pin.onToggle)}>
                  {pin.on ? "Unpin" : "Pin to the top"}
                </button>
              )}
              <button
                type="button"
                onClick={act(() => {
                  asTable.value = !asTable.value;
                })}
              >
                {asTable.value ? "Show as chart" : "Show as table"}
              </button>
              <button type="button" onClick={act(() => copyPython(props))}>
                Copy as Python
              </button>
              <button type="button" onClick={act(() => saveCsv(props))}>
                Save CSV
              </button>
              {DRAWING_KINDS.map((kind) => (
                <button
                  key={kind}
                  type="button"
                  onClick={act(() => void saveDrawing(kind, props.metric.metricName, svgOf(props)))}
                >
                  Save {kind}
                </button>
              ))}
            </>
          );
        }}
      </Menu>
    </div>
  );
}

function copyPython({ names, metric, axis, range, buckets, settings }: Props): void {
  const { origin } = window.location;
  const { inherited } = settings;
  const asked = { origin, ...names, metric, axis, range, buckets, inherited };
  void copyProgram(fileName(metric.metricName, "py"), pythonCall(asked));
}

function saveCsv({ metric, axis, curves }: Props): void {
  const text = curvesToCsv(metric.metricName, axis, curves);
  downloadText(fileName(metric.metricName, "csv"), "text/csv", text);
}

function svgOf({ metric, axis, lines, colours, settings, range }: Props): string {
  const shown = xRange(lines.xs, { range, log: settings.logX, time: isTime(axis) });
  return chartToSvg({
    title: metric.metricName,
    description: `${metric.metricName} along ${axisTitle(axis)}`,
    xs: lines.xs,
    lines: lines.lines.map((line, i) => ({
      ...line,
      colour: colours[i] ?? "",
      band: settings.band ? { low: line.low, high: line.high } : null,
      faint: false,
    })),
    x: {
      title: axisTitle(axis),
      range: shown,
      log: settings.logX,
      ticks: axisTicks(axis, shown, settings.logX, SVG_PLOT_WIDTH),
    },
    y: { range: yRange(lines.lines, settings), log: settings.logY },
    threshold: null,
  });
}
