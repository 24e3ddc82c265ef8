import { useSignal } from "@preact/signals";
import { useAnswer } from "../ask";
import { useAtMostEvery } from "../at_most_every";
import { hrefOf } from "../lib/route";
import { useMetrics } from "../metrics_of_runs";
import { AnswerState } from "../parts/answer_state";
import { ConfigTable } from "../parts/config_table";
import { HealthCard } from "../parts/health_card";
import { InheritedSwitch, useInherited } from "../parts/inherited_switch";
import { LiveChip } from "../parts/live_chip";
import { RlOverview } from "../parts/rl_overview";
import { RunHeader } from "../parts/run_header";
import { useRunNews } from "../run_news";
import { type RunName, readAttributes } from "../server";
import { PARENT } from "../server/ancestors";
import { readHealth } from "../server/health";
import "../styles/charts.css";
import "../styles/run.css";

/** How often the header says how long the run has been running, in milliseconds. */
const RUNNING_TIME_PERIOD = 5000;
/** How often what arrived is counted, in milliseconds. */
const HEALTH_PERIOD = 1000;

/** One run: what it is, whether all of it arrived, what one looks at first, its configuration. */
export function RunPage({ workspace, project, run }: RunName) {
  const name = { workspace, project, run };
  const names = { workspace, project, runs: [run] };
  const paused = useSignal(false);
  const edits = useSignal(0);
  const news = useRunNews(names, paused);
  const { version, description } = news.value;
  const of = [workspace, project, run];
  const attributes = useAnswer(
    (signal) => readAttributes(name, signal),
    [...of, edits.value],
    description + useAtMostEvery(version, RUNNING_TIME_PERIOD),
  );
  const health = useAnswer(
    (signal) => readHealth(name, signal),
    of,
    useAtMostEvery(version, HEALTH_PERIOD),
  );
  const [inherited, setInherited] = useInherited();
  const metrics = useMetrics(names, news.value, inherited);
  return (
    <AnswerState of={attributes.value}>
      {(values) => (
        <>
          <RunHeader
            name={name}
            attributes={values}
            onEdited={() => {
              edits.value++;
            }}
          />
          {health.value.value && <HealthCard name={name} health={health.value.value} />}
          <div class="title-row">
            <h2>Overview</h2>
            <LiveChip news={news.value} paused={paused} />
            {values.has(PARENT) && <InheritedSwitch on={inherited} onChange={setInherited} />}
            <a href={hrefOf({ ...name, page: "charts" })}>All charts</a>
          </div>
          <AnswerState of={metrics.value}>
            {(all) =>
              all.length === 0 ? (
                <p class="note">No points yet. Charts appear here as soon as the run logs.</p>
              ) : (
                <RlOverview
                  key={String(inherited)}
                  name={{ ...name, inherited }}
                  metrics={all}
                  news={news.value}
                />
              )
            }
          </AnswerState>
          <ConfigTable name={name} attributes={values} />
        </>
      )}
    </AnswerState>
  );
}
