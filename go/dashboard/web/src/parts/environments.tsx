import { useSignal } from "@preact/signals";
import type { MetricDefinition } from "../gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { useLive } from "../live";
import {
  type Environment,
  listEnvironments,
  type RunName,
  readEnvironmentBuckets,
} from "../server";
import { Chart } from "./chart";
import { State } from "./state";

interface Props {
  name: RunName;
  metrics: MetricDefinition[];
  version: string;
  live: boolean;
}

/** What one environment did in one episode, env step by env step. */
export function Environments({ name, metrics, version, live }: Props) {
  const environments = useLive(
    (signal) => listEnvironments(name, signal),
    () => live,
    [version],
  );
  return (
    <section>
      <h2>Environments</h2>
      <State of={environments.value}>
        {(list) => (
          <EnvironmentCharts
            name={name}
            metrics={metrics}
            version={version}
            live={live}
            environments={list}
          />
        )}
      </State>
    </section>
  );
}

function EnvironmentCharts(props: Props & { environments: Environment[] }) {
  const { name, metrics, version, live, environments } = props;
  const chosen = useSignal<string | null>(null);
  const episode = useSignal<number | null>(null);
  const environment = environments.find((e) => e.id === chosen.value) ?? environments[0];
  if (!environment) return <p class="note">No environment has logged points yet.</p>;
  const at = Math.min(episode.value ?? environment.latestEpisode, environment.latestEpisode);
  const steps = metrics.filter((m) => m.scale === "ENVIRONMENT_STEP");
  return (
    <>
      <div class="pickers">
        <label>
          Environment
          <select
            aria-label="Environment"
            value={environment.id}
            onChange={(event) => {
              chosen.value = event.currentTarget.value;
            }}
          >
            {environments.map((e) => (
              <option key={e.id} value={e.id}>
                {e.id}
              </option>
            ))}
          </select>
        </label>
        <label>
          Episode
          <input
            type="number"
            aria-label="Episode"
            min="0"
            max={environment.latestEpisode}
            value={at}
            onInput={(event) => {
              const typed = event.currentTarget.valueAsNumber;
              episode.value = Number.isNaN(typed) ? null : Math.max(0, Math.floor(typed));
            }}
          />
          <span class="faint">of 0 to {environment.latestEpisode}</span>
        </label>
        {episode.value !== null && (
          <button
            type="button"
            onClick={() => {
              episode.value = null;
            }}
          >
            Follow the latest
          </button>
        )}
      </div>
      <div class="charts">
        {steps.map((metric) => (
          <Chart
            key={metric.metricName}
            title={metric.metricName}
            axis={`env step of episode ${at}`}
            version={`${version} ${environment.id} ${at}`}
            live={live}
            read={(buckets, range, signal) =>
              readEnvironmentBuckets(name, [environment.id], metric, at, buckets, range, signal)
            }
          />
        ))}
      </div>
    </>
  );
}
