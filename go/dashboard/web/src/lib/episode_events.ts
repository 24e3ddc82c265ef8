import type { Value } from "../server";
import { formatCount } from "./format";
import { formatAttribute } from "./format_attribute";

/** Something that happened at an env step of an episode. */
export interface EpisodeEvent {
  x: number;
  title: string;
}

/** What is known of an episode, beside its curves. */
export interface EpisodeFacts {
  envSteps: number;
  restarts: number;
  /** What metrics of EPISODE scale have, by name. */
  metrics: ReadonlyMap<string, number>;
  attributes: ReadonlyMap<string, Value>;
}

/** A curve of an event: where it is not 0, it happened. */
export interface EventCurve {
  metric: string;
  xs: ArrayLike<number>;
  minima: ArrayLike<number>;
  maxima: ArrayLike<number>;
}

/** What programs call the end of an episode, whether by the task or by a limit of time. */
const EVENTS =
  /(^|[/_.])(dones?|terminat(ed|ion|ions)|terminal|is_terminal|is_last|truncat(ed|ion|ions)|time_?outs?|resets?)$/i;
/** What they call why it ended. */
const REASONS = /(^|[/_.])(end|done|termination|truncation|terminal)_?reason$/i;

/** Whether a metric tells of events rather than of a course. */
export function isEvent(metricName: string): boolean {
  return EVENTS.test(metricName);
}

/**
 * What happened in an episode, in the order of env steps. What is told of the whole episode
 * happened at its last env step; a restart discarded what was before and begins at 0.
 */
export function eventsOf(
  { envSteps, restarts, metrics, attributes }: EpisodeFacts,
  curves: readonly EventCurve[],
): EpisodeEvent[] {
  const events = curves.filter((c) => isEvent(c.metric)).flatMap(happened);
  if (restarts > 0) {
    const title = restarts === 1 ? "restarted" : `restarted ${formatCount(restarts)} times`;
    events.push({ x: 0, title });
  }
  if (envSteps > 0) events.push(...endsOf(metrics, attributes, envSteps - 1));
  return joined(events);
}

/** Where the curve is not 0; of a stretch, where it begins. */
function happened({ metric, xs, minima, maxima }: EventCurve): EpisodeEvent[] {
  const title = lastPart(metric);
  return Array.from(xs)
    .filter((_, i) => (maxima[i] ?? 0) !== 0 || (minima[i] ?? 0) !== 0)
    .map((x) => ({ x, title }));
}

function endsOf(
  metrics: EpisodeFacts["metrics"],
  attributes: EpisodeFacts["attributes"],
  x: number,
): EpisodeEvent[] {
  const ofMetrics = [...metrics].filter(
    ([name, v]) => isEvent(name) && v !== 0 && !Number.isNaN(v),
  );
  const ofAttributes = [...attributes].filter(
    ([path, v]) => isEvent(path) && (v === true || v === 1),
  );
  const reasons = [...attributes].filter(([path]) => REASONS.test(path));
  return [
    ...[...ofMetrics, ...ofAttributes].map(([name]) => ({ x, title: lastPart(name) })),
    ...reasons.map(([, reason]) => ({ x, title: formatAttribute(reason) })),
  ];
}

const lastPart = (name: string) => name.slice(name.lastIndexOf("/") + 1).replaceAll("_", " ");

/** One event for each env step, its titles each once. */
function joined(events: readonly EpisodeEvent[]): EpisodeEvent[] {
  const titles = new Map<number, Set<string>>();
  for (const { x, title } of events) titles.set(x, (titles.get(x) ?? new Set()).add(title));
  return [...titles]
    .sort(([a], [b]) => a - b)
    .map(([x, all]) => ({ x, title: [...all].join(", ") }));
}
