import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useKeys } from "../keys";
import { DEFAULT_SETTINGS, parseSettings } from "../lib/chart_settings";
import { useMetrics } from "../metrics_of_runs";
import { TEXT, useParam } from "../params";
import { useRunNews } from "../run_news";
import type { RunNames } from "../server/curves";
import { AnswerState } from "./answer_state";
import { type BesideTable, ChartWorkspace } from "./chart_workspace";
import { LiveChip } from "./live_chip";
import "../styles/charts.css";

interface Props {
  names: RunNames;
  heading: ComponentChildren;
  /** What stands behind the heading. */
  tools: ComponentChildren;
  /** Where the charts are no page of their own. */
  beside?: BesideTable;
}

/** The charts of runs under a heading, which follow the runs. */
export function RunCharts({ names, heading, tools, beside }: Props) {
  const paused = useSignal(false);
  const news = useRunNews(names, paused);
  const { inherited } = parseSettings(useParam("view", TEXT).value, DEFAULT_SETTINGS);
  const metrics = useMetrics(names, news.value, inherited);
  useKeys({
    " ": () => {
      paused.value = !paused.value;
    },
  });
  return (
    <>
      <div class="title-row">
        {heading}
        <LiveChip news={news.value} paused={paused} />
        {tools}
      </div>
      <AnswerState of={metrics.value}>
        {(all) => (
          <ChartWorkspace names={names} metrics={all} news={news.value} beside={beside ?? null} />
        )}
      </AnswerState>
    </>
  );
}
