import { DEFAULT_SETTINGS } from "../lib/chart_settings";
import { colourOf } from "../lib/colour";
import { formatChoice, LINES } from "../lib/line_choice";
import { metricKey } from "../lib/metric_key";
import { type RunNews, versionOf } from "../lib/run_changes";
import { machineMetrics } from "../lib/system_metrics";
import { formatZoom, ZOOM, zoomed } from "../lib/zoom";
import { useMetrics } from "../metrics_of_runs";
import { setParams, useParam } from "../params";
import type { RunName } from "../server";
import { AnswerState } from "./answer_state";
import { ChartCard } from "./chart_card";

/** They go along the time of day, and have no settings of their own. */
const SETTINGS = { ...DEFAULT_SETTINGS, axis: "wall" as const };
const NO_CHOICES = { forked: false, metrics: [] };

/** Processor, memory and GPUs of the hosts that a run is on, and what its processes take. */
export function MachineCharts({ name, news }: { name: RunName; news: RunNews }) {
  const names = { ...name, runs: [name.run] };
  const zoom = useParam("zoom", ZOOM).value;
  const choice = useParam("lines", LINES).value;
  const metrics = useMetrics(names, news, false);
  return (
    <section class="machines">
      <h2>Machines</h2>
      <AnswerState of={metrics.value}>
        {(all) => {
          const shown = machineMetrics(all);
          if (shown.length === 0) return <NotSampled />;
          return (
            <div class="charts">
              {shown.map((metric) => (
                <ChartCard
                  key={metricKey(metric)}
                  names={names}
                  metric={metric}
                  version={versionOf(news, metric)}
                  page={SETTINGS}
                  own=""
                  zoom={zoom}
                  choice={choice}
                  choices={NO_CHOICES}
                  colourOf={(_, line) => colourOf(line)}
                  onZoom={(axis, stretch) =>
                    setParams({ zoom: formatZoom(zoomed(zoom, axis, stretch)) })
                  }
                  onChoose={(next) => setParams({ lines: formatChoice(next) })}
                />
              ))}
            </div>
          );
        }}
      </AnswerState>
    </section>
  );
}

function NotSampled() {
  return (
    <p class="note">
      This run logs nothing of its machines. With <code>metrana.init(system_metrics=True)</code> and{" "}
      <code>pip install 'metrana[system]'</code> it logs processor, memory and GPUs of each host.
    </p>
  );
}
