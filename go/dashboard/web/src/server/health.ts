import type { DeliveryCounts } from "../gen/metrana/views/v1/run_health_pb";
import { formatValue } from "../lib/format";
import { labelOf } from "../lib/labels";
import type { RunLosses } from "../lib/losses";
import type { RunName } from "../server";
import { views } from "./clients";
import type { RunNames } from "./curves";

/** What a client counted of one kind. */
export interface Counted {
  what: string;
  added: number;
  sent: number;
  dropped: number;
}

/** What one logger said last. */
export interface Delivery {
  logger: string;
  reported: Date | null;
  counted: Counted[];
  connections: number;
  resent: number;
  errors: number;
}

/** The first point of a series that is not finite. */
export interface NotFinite {
  metric: string;
  labels: string;
  scale: string;
  step: number;
  value: string;
  /** Where in which episode of which environment it is; null of an ordinary series. */
  place: { environment: string; episode: number; envStep: number } | null;
}

/** What arrived of a run, and what did not. */
export interface RunHealth {
  stored: number;
  late: number;
  duplicate: number;
  refused: number;
  notStored: { kind: string; count: number }[];
  lastReceived: Date | null;
  lagMillis: number | null;
  deliveries: Delivery[];
  notFinite: NotFinite[];
  moreNotFinite: boolean;
}

/** Asks what arrived of a run. */
export async function readHealth(
  { workspace, project, run }: RunName,
  signal: AbortSignal,
): Promise<RunHealth> {
  const answer = await views.getRunHealth(
    { run: { workspace, project, run }, includeNonFinite: true },
    { signal },
  );
  return {
    stored: Number(answer.pointsStored),
    late: Number(answer.pointsLate),
    duplicate: Number(answer.pointsDuplicate),
    refused: Number(answer.pointsRefused),
    notStored: answer.notStored.map((n) => ({ kind: n.kind, count: Number(n.count) })),
    lastReceived: dateOf(answer.lastReceived),
    lagMillis: answer.ingestLagMillis === undefined ? null : Number(answer.ingestLagMillis),
    deliveries: answer.deliveries.map(({ loggerId, reported, delivery }) => ({
      logger: String(loggerId),
      reported: dateOf(reported),
      counted: [
        counted("points", delivery?.floatPoints),
        counted("points of environments", delivery?.rlFloatPoints),
        counted("attributes", delivery?.attributeUpdates),
        counted("attributes of environments", delivery?.envAttributeUpdates),
      ].filter((c) => c.added > 0),
      connections: Number(delivery?.connectionAttempts ?? 0n),
      resent: Number(delivery?.requestsResent ?? 0n),
      errors: Number(delivery?.sendErrors ?? 0n),
    })),
    notFinite: answer.nonFinite.map((p) => ({
      metric: p.metricName,
      labels: labelOf(p.labels),
      scale: p.scale,
      step: Number(p.step),
      value: formatValue(p.value ?? Number.NaN),
      place:
        p.episode === undefined
          ? null
          : {
              environment: p.environment,
              episode: Number(p.episode),
              envStep: Number(p.envStep),
            },
    })),
    moreNotFinite: answer.moreNonFinite,
  };
}

/** What of runs did not arrive, by name; those of which all did are left out. */
export async function readLosses(
  { workspace, project, runs }: RunNames,
  signal: AbortSignal,
): Promise<Map<string, RunLosses>> {
  if (runs.length === 0) return new Map();
  const answer = await views.countLosses({ workspace, project, runs: [...runs] }, { signal });
  return new Map(
    answer.runs.flatMap(({ pointsRefused, pointsDropped }, place) => {
      const losses = { refused: Number(pointsRefused), dropped: Number(pointsDropped) };
      return losses.refused + losses.dropped === 0 ? [] : [[runs[place] ?? "", losses]];
    }),
  );
}

function dateOf(at: { seconds: bigint; nanos: number } | undefined): Date | null {
  return at ? new Date(Number(at.seconds) * 1000 + at.nanos / 1e6) : null;
}

function counted(what: string, counts: DeliveryCounts | undefined): Counted {
  return {
    what,
    added: Number(counts?.added ?? 0n),
    sent: Number(counts?.sent ?? 0n),
    dropped: Number(counts?.dropped ?? 0n),
  };
}
