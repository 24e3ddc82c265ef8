import { useAnswer } from "../ask";
import { useFollowedRun } from "../followed_run";
import { formatAgo, formatCount, formatDuration } from "../lib/format";
import { totalsOf, waitingOf } from "../lib/health_summary";
import { episodeHref } from "../lib/route";
import { AnswerState } from "../parts/answer_state";
import { LiveChip } from "../parts/live_chip";
import { MachineCharts } from "../parts/machine_charts";
import type { RunName } from "../server";
import { type Delivery, type RunHealth, readHealth } from "../server/health";
import "../styles/charts.css";
import "../styles/run.css";

/** What arrived of a run, what its loggers say, what is not a number, and the machines it is on. */
export function DeliveryPage(name: RunName) {
  const { news, paused, version } = useFollowedRun(name);
  const health = useAnswer(
    (signal) => readHealth(name, signal),
    [name.workspace, name.project, name.run],
    version,
  );
  return (
    <>
      <div class="title-row">
        <h1>System and delivery</h1>
        <LiveChip news={news} paused={paused} />
      </div>
      <AnswerState of={health.value}>
        {(value) => (
          <>
            <Arrived health={value} />
            <Advice health={value} />
            <Loggers deliveries={value.deliveries} />
            <NotFinite name={name} health={value} />
            <MachineCharts name={name} news={news} />
          </>
        )}
      </AnswerState>
    </>
  );
}

function Arrived({ health }: { health: RunHealth }) {
  const rows: [string, string][] = [
    ["Points stored", formatCount(health.stored)],
    ["Refused: their step was not above the last of their series", formatCount(health.late)],
    ["Refused: no axis can hold their position", formatCount(health.refused)],
    ["Came twice, stored once", formatCount(health.duplicate)],
    ...health.notStored.map(({ kind, count }): [string, string] => [
      `Acknowledged, but this server does not store ${kind}`,
      formatCount(count),
    ]),
  ];
  if (health.lastReceived) rows.push(["Last heard of", formatAgo(health.lastReceived, new Date())]);
  if (health.lagMillis !== null) {
    rows.push(["From logging to arriving", formatDuration(Math.max(0, health.lagMillis) / 1000)]);
  }
  return (
    <table class="attributes arrived">
      <tbody>
        {rows.map(([what, value]) => (
          <tr key={what}>
            <th scope="row">{what}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Advice({ health }: { health: RunHealth }) {
  const totals = totalsOf(health.deliveries) ?? { added: 0, sent: 0, dropped: 0 };
  const { dropped } = totals;
  const waiting = waitingOf(totals);
  return (
    <>
      {waiting > 0 && (
        <p class="note">
          {formatCount(waiting)} points waited in their processes when these reported last. They
          come as soon as the server is reached; <code>metrana.close()</code> waits for them.
        </p>
      )}
      {dropped > 0 && (
        <p class="note failed">
          {formatCount(dropped)} points were dropped before they could be sent. With{" "}
          <code>metrana.init(backpressure_strategy="block")</code> a loop waits rather than lose
          points; a larger <code>queue_capacity</code> holds more while the server is away.
        </p>
      )}
      {health.late > 0 && (
        <p class="note failed">
          Steps of an ordered series must rise. Log values of other processes with{" "}
          <code>metrana.log_distributed</code>, which takes any step.
        </p>
      )}
    </>
  );
}

function Loggers({ deliveries }: { deliveries: Delivery[] }) {
  if (deliveries.length === 0) {
    return (
      <p class="note">
        No logger of this run has reported what it counted: they do so while they log, and when they
        close.
      </p>
    );
  }
  return (
    <section>
      <h2>What loggers counted</h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Logger</th>
              <th scope="col">Reported</th>
              <th scope="col">What</th>
              {["Logged", "Delivered", "Waiting", "Dropped"].map((title) => (
                <th key={title} scope="col" class="number">
                  {title}
                </th>
              ))}
              <th scope="col">Connection</th>
            </tr>
          </thead>
          <tbody>
            {deliveries.flatMap((d) =>
              d.counted.map((c) => (
                <tr key={`${d.logger} ${c.what}`}>
                  <td>{d.logger}</td>
                  <td>{d.reported && formatAgo(d.reported, new Date())}</td>
                  <td>{c.what}</td>
                  <td class="number">{formatCount(c.added)}</td>
                  <td class="number">{formatCount(c.sent)}</td>
                  <td class="number">{formatCount(waitingOf(c))}</td>
                  <td class={c.dropped > 0 ? "number failed" : "number"}>
                    {formatCount(c.dropped)}
                  </td>
                  <td>
                    {d.connections} opened, {d.errors} lost, {d.resent} requests sent again
                  </td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function NotFinite({ name, health }: { name: RunName; health: RunHealth }) {
  if (health.notFinite.length === 0) return <p class="note">Every point is finite.</p>;
  return (
    <section>
      <h2>First points that are not finite</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">Value</th>
            <th scope="col">At</th>
          </tr>
        </thead>
        <tbody>
          {health.notFinite.map((p) => (
            <tr key={`${p.metric} ${p.scale} ${p.labels}`}>
              <td>{[p.metric, p.labels].filter((part) => part !== "").join(", ")}</td>
              <td class="failed">{p.value}</td>
              <td>
                {p.scale === "ML_STEP" ? "step" : "update"} {formatCount(p.step)}
                {p.place && (
                  <>
                    {", "}
                    <a href={episodeHref(name, p.place.environment, p.place.episode)}>
                      episode {formatCount(p.place.episode)} of {p.place.environment}
                    </a>
                    {p.scale === "ENVIRONMENT_STEP" && `, env step ${formatCount(p.place.envStep)}`}
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {health.moreNotFinite && <p class="note">There are further ones.</p>}
    </section>
  );
}
