import type { Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { copyProgram } from "../copy_program";
import { downloadText, downloadUrl } from "../download";
import type { AxisName } from "../lib/axis";
import { curvesToCsv } from "../lib/chart_csv";
import type { ChartLines } from "../lib/chart_lines";
import { type ChartSettings, formatSettings } from "../lib/chart_settings";
import { chartToSvg } from "../lib/chart_svg";
import { fileName } from "../lib/file_name";
import { pythonCall } from "../lib/python_call";
import type { Range } from "../server";
import type { Curve, RunNames } from "../server/curves";
import { yRange } from "./curve_plot";
import { Menu } from "./menu";
import { SettingsForm } from "./settings_form";

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
  onOwn?: (own: string) => void;
}

/** What can be done with a chart: settings of its own, its numbers, files. */
export function ChartMenu(props: Props) {
  const { settings, page, onOwn, asTable } = props;
  const at = useRef<HTMLDivElement>(null);
  return (
    <div class="chart-menu" ref={at}>
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
                    onChange={(next) => onOwn(formatSettings(next, page))}
                  />
                  <button type="button" onClick={act(() => onOwn(""))}>
                    As the page has it
                  </button>
                </>
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
              <button type="button" onClick={act(() => saveSvg(props))}>
                Save SVG
              </button>
              {!asTable.value && (
                <button type="button" onClick={act(() => savePng(props, at.current))}>
                  Save PNG
                </button>
              )}
            </>
          );
        }}
      </Menu>
    </div>
  );
}

function copyPython({ names, metric, axis, range, buckets }: Props): void {
  const asked = { origin: window.location.origin, ...names, metric, axis, range, buckets };
  void copyProgram(fileName(metric.metricName, "py"), pythonCall(asked));
}

function saveCsv({ metric, axis, curves }: Props): void {
  const text = curvesToCsv(metric.metricName, axis, curves);
  downloadText(fileName(metric.metricName, "csv"), "text/csv", text);
}

function saveSvg({ metric, axis, lines, colours, settings, range }: Props): void {
  const xs = settings.logX ? lines.xs.filter((x) => x > 0) : lines.xs;
  const [first, last] = [xs[0] ?? 0, xs[xs.length - 1] ?? 1];
  const svg = chartToSvg({
    title: metric.metricName,
    axis,
    lines,
    colours,
    band: settings.band,
    x: {
      range: range ? [Math.max(range.from, first), Math.min(range.to, last)] : [first, last],
      log: settings.logX,
    },
    y: { range: yRange({ data: lines, settings }), log: settings.logY },
  });
  downloadText(fileName(metric.metricName, "svg"), "image/svg+xml", svg);
}

/** What is on the canvas, on the page's colour. */
function savePng({ metric }: Props, menu: HTMLElement | null): void {
  const canvas = menu?.closest("figure")?.querySelector("canvas");
  if (!canvas) return;
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  const to = copy.getContext("2d");
  if (!to) return;
  to.fillStyle = getComputedStyle(document.body).backgroundColor;
  to.fillRect(0, 0, copy.width, copy.height);
  to.drawImage(canvas, 0, 0);
  downloadUrl(fileName(metric.metricName, "png"), copy.toDataURL("image/png"));
}
