import { formatAgo, formatCount, formatDuration } from "../lib/format";
import { totalsOf } from "../lib/health_summary";
import { hrefOf } from "../lib/route";
import type { RunName } from "../server";
import type { RunHealth } from "../server/health";

/** In a few words: did every point arrive, how late, and is any not a number. */
export function HealthCard({ name, health }: { name: RunName; health: RunHealth }) {
  const totals = totalsOf(health.deliveries);
  const first = health.notFinite[0];
  const lost = (totals?.dropped ?? 0) + health.late + health.refused;
  return (
    <section class={lost > 0 ? "health lost" : "health"} aria-label="Delivery">
      <dl>
        <div>
          <dt>Stored</dt>
          <dd>{formatCount(health.stored)} points</dd>
        </div>
        {totals && (
          <div>
            <dt>Logged</dt>
            <dd>
              {formatCount(totals.added)}, {formatCount(totals.sent)} delivered
              {totals.dropped > 0 && (
                <span class="failed">, {formatCount(totals.dropped)} dropped</span>
              )}
            </dd>
          </div>
        )}
        {health.late + health.refused > 0 && (
          <div>
            <dt>Refused</dt>
            <dd class="failed">{formatCount(health.late + health.refused)} points</dd>
          </div>
        )}
        {health.lastReceived && (
          <div>
            <dt>Last heard of</dt>
            <dd>
              {formatAgo(health.lastReceived, new Date())}
              {health.lagMillis !== null && health.lagMillis > 5000 && (
                <span class="failed">, {formatDuration(health.lagMillis / 1000)} behind</span>
              )}
            </dd>
          </div>
        )}
        {first && (
          <div>
            <dt>Not finite</dt>
            <dd class="failed">
              {first.metric} is {first.value} at {first.scale === "ML_STEP" ? "step" : "update"}{" "}
              {first.step}
              {health.notFinite.length > 1 && ` and ${health.notFinite.length - 1} more`}
            </dd>
          </div>
        )}
      </dl>
      <a href={hrefOf({ ...name, page: "delivery" })}>Delivery</a>
    </section>
  );
}
