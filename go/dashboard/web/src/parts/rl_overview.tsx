import { useSignal } from "@preact/signals";
import { DEFAULT_SETTINGS } from "../lib/chart_settings";
import { colourOf } from "../lib/colour";
import { ALL_LINES } from "../lib/line_choice";
import { metricKey } from "../lib/metric_key";
import { overviewOf } from "../lib/rl_overview";
import { type RunNews, versionOf } from "../lib/run_changes";
import { type Zoom, zoomed } from "../lib/zoom";
import type { RunNames } from "../server/curves";
import { ChartCard } from "./chart_card";

interface Props {
  names: RunNames;
  metrics: { metricName: string; scale: string }[];
  news: RunNews;
}

/** How many charts an overview has, where names say nothing. */
const FIRST = 6;
/** How many of one topic. */
const OF_A_TOPIC = 3;

/** The charts that one looks at first: returns, lengths, losses and so on; else the first metrics. */
export function RlOverview({ names, metrics, news }: Props) {
  const choice = useSignal(ALL_LINES);
  const zoom = useSignal<Zoom>(new Map());
  const topics = overviewOf(metrics).flatMap((topic) => topic.metrics.slice(0, OF_A_TOPIC));
  const shown = topics.length > 0 ? topics : metrics.slice(0, FIRST);
  return (
    <div class="charts">
      {shown.map((metric) => (
        <ChartCard
          key={metricKey(metric)}
          names={names}
          metric={metric}
          version={versionOf(news, metric)}
          page={DEFAULT_SETTINGS}
          own=""
          zoom={zoom.value}
          choice={choice.value}
          onChoose={(next) => {
            choice.value = next;
          }}
          colourOf={(_, line) => colourOf(line)}
          onZoom={(axis, stretch) => {
            zoom.value = zoomed(zoom.value, axis, stretch);
          }}
        />
      ))}
    </div>
  );
}
