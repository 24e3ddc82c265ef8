import type { MetricDefinition } from "../gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { formatAgo, formatDuration } from "../lib/format";
import { RL_SCALES, sectionsOf } from "../lib/sections";
import { useLive } from "../live";
import { Attributes } from "../parts/attributes";
import { Chart } from "../parts/chart";
import { Environments } from "../parts/environments";
import { State } from "../parts/state";
import { Status } from "../parts/status";
import { Tags } from "../parts/tags";
import { listMetrics, type RunName, readAttributes, readBuckets, type Value } from "../server";

interface Overview {
  attributes: Map<string, Value>;
  metrics: MetricDefinition[];
}

const isRunning = ({ attributes }: Overview) => attributes.get("sys/status") === "RUNNING";

/** One run: what it is, its charts, its environments. */
export function RunPage({ workspace, project, run }: RunName) {
  const name = { workspace, project, run };
  const overview = useLive(
    async (signal): Promise<Overview> => {
      const [attributes, metrics] = await Promise.all([
        readAttributes(name, signal),
        listMetrics(name, signal),
      ]);
      return { attributes, metrics };
    },
    // A closed run may be resumed: asking goes on.
    () => true,
    [workspace, project, run],
  );
  return (
    <State of={overview.value}>
      {(value) => (
        <>
          <RunHeader name={name} overview={value} />
          <Charts name={name} overview={value} />
          <Attributes all={value.attributes} />
        </>
      )}
    </State>
  );
}

function RunHeader({ name, overview }: { name: RunName; overview: Overview }) {
  const { attributes } = overview;
  const created = attributes.get("sys/creation_time");
  const seconds = attributes.get("sys/running_time_seconds");
  const description = attributes.get("sys/description");
  return (
    <div class="run-header">
      <h1>{name.run}</h1>
      <p>
        <Status value={attributes.get("sys/status")} />
        {created instanceof Date && <span>started {formatAgo(created, new Date())}</span>}
        {typeof seconds === "number" && <span>ran {formatDuration(seconds)}</span>}
        <Tags value={attributes.get("sys/tags")} />
      </p>
      {typeof description === "string" && <p>{description}</p>}
    </div>
  );
}

function Charts({ name, overview }: { name: RunName; overview: Overview }) {
  const standard = overview.metrics.filter((m) => !RL_SCALES.includes(m.scale));
  const rl = overview.metrics.filter((m) => RL_SCALES.includes(m.scale));
  if (overview.metrics.length === 0) {
    return <p class="note">No points yet. Charts appear here as soon as the run logs.</p>;
  }
  // Charts ask again when the run took something in.
  const version = String(overview.attributes.get("sys/modification_time"));
  const live = isRunning(overview);
  return (
    <>
      {sectionsOf(standard).map((section) => (
        <section key={section.name}>
          {section.name !== "" && <h2>{section.name}</h2>}
          <div class="charts">
            {section.metrics.map((metric) => (
              <Chart
                key={`${metric.metricName} ${metric.scale}`}
                title={metric.metricName}
                axis={axisName(metric.scale)}
                version={version}
                live={live}
                read={(buckets, range, signal) => readBuckets(name, metric, buckets, range, signal)}
              />
            ))}
          </div>
        </section>
      ))}
      {rl.length > 0 && <Environments name={name} metrics={rl} version={version} live={live} />}
    </>
  );
}

/** What the steps of a scale count. */
function axisName(scale: string): string {
  return scale === "ML_STEP" ? "step" : scale.toLowerCase().replaceAll("_", " ");
}
