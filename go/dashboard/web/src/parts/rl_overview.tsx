import { type AxisName, axisTitle } from "../lib/axis";
import { DEFAULT_SETTINGS } from "../lib/chart_settings";
import { colourOf } from "../lib/colour";
import { formatChoice, LINES } from "../lib/line_choice";
import { type Panel, type PanelMetric, panelsOf } from "../lib/overview_panels";
import { type RunNews, versionOf } from "../lib/run_changes";
import { formatZoom, type Stretch, ZOOM, zoomed } from "../lib/zoom";
import { type Codec, setParams, useParam } from "../params";
import type { ShownRun } from "../server";
import { DENSITY_AXES, type DensityAxis } from "../server/episodes";
import { ChartCard } from "./chart_card";
import { EpisodeDensityChart } from "./episode_density";
import { TaskOverview } from "./task_overview";
import { TermChart } from "./term_chart";

interface Props {
  name: ShownRun;
  metrics: PanelMetric[];
  news: RunNews;
}

/** Its charts have no settings of their own. */
const NO_CHOICES = { forked: false, metrics: [] };

const DENSITY_NAMES = Object.keys(DENSITY_AXES) as DensityAxis[];

/** What points of environments go along: updates, unless the address says otherwise. */
const ALONG: Codec<DensityAxis> = {
  parse: (text) => DENSITY_NAMES.find((axis) => axis === text) ?? "update",
  format: (axis) => (axis === "update" ? "" : axis),
};

/** The charts that one looks at first: returns, lengths, losses and so on; else the first metrics. */
export function RlOverview(props: Props) {
  const asked = useParam("along", ALONG).value;
  // Without points at env steps nobody knows how many an environment took.
  const hasSteps = props.metrics.some(({ scale }) => scale === "ENVIRONMENT_STEP");
  const along = hasSteps ? asked : "update";
  return (
    <>
      {hasSteps && (
        <p class="pickers">
          <label>
            Environments along
            <select
              value={along}
              onChange={(event) =>
                setParams({ along: ALONG.format(ALONG.parse(event.currentTarget.value)) })
              }
            >
              {DENSITY_NAMES.map((axis) => (
                <option key={axis} value={axis}>
                  {axisTitle(axis)}
                </option>
              ))}
            </select>
          </label>
        </p>
      )}
      <TaskOverview {...props} along={along} />
      <div class="charts">
        {panelsOf(props.metrics).map((panel) => (
          <PanelChart key={keyOf(panel)} panel={panel} along={along} {...props} />
        ))}
      </div>
    </>
  );
}

interface PanelProps {
  panel: Panel<PanelMetric>;
  name: ShownRun;
  along: DensityAxis;
  news: RunNews;
}

function PanelChart({ panel, name, along, news }: PanelProps) {
  const zoom = useParam("zoom", ZOOM).value;
  const choice = useParam("lines", LINES).value;
  const names = { ...name, runs: [name.run] };
  const version = panelVersion(news, panel);
  const onZoom = (axis: AxisName, stretch: Stretch | null) =>
    setParams({ zoom: formatZoom(zoomed(zoom, axis, stretch)) });
  switch (panel.kind) {
    case "density":
      return (
        <EpisodeDensityChart
          name={name}
          metric={panel.metric}
          evaluation={panel.evaluation}
          axis={along}
          version={version}
          range={zoom.get(along) ?? null}
          onZoom={(stretch) => onZoom(along, stretch)}
        />
      );
    case "terms":
      return (
        <TermChart
          names={names}
          inherited={name.inherited}
          prefix={panel.prefix}
          metrics={panel.metrics}
          along={along}
          version={version}
          zoom={zoom}
          onZoom={onZoom}
        />
      );
    case "chart":
      return (
        <ChartCard
          names={names}
          metric={panel.metric}
          version={version}
          page={{
            ...DEFAULT_SETTINGS,
            axis: along,
            band: panel.band,
            inherited: name.inherited,
          }}
          own=""
          zoom={zoom}
          choice={choice}
          choices={NO_CHOICES}
          onChoose={(next) => setParams({ lines: formatChoice(next) })}
          colourOf={(_, line) => colourOf(line)}
          onZoom={onZoom}
        />
      );
  }
}

/** Grows when points came to a metric of the panel. */
function panelVersion(news: RunNews, panel: Panel<PanelMetric>): number {
  const metrics = panel.kind === "terms" ? panel.metrics : [panel.metric];
  return metrics.reduce((sum, metric) => sum + versionOf(news, metric), 0);
}

function keyOf(panel: Panel<PanelMetric>): string {
  if (panel.kind === "terms") return `terms ${panel.prefix} ${panel.metrics[0]?.scale}`;
  const { metricName, scale } = panel.metric;
  const evaluation = panel.kind === "density" ? panel.evaluation : null;
  return `${panel.kind} ${metricName} ${scale} ${evaluation}`;
}
