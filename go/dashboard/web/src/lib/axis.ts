import { Axis } from "../gen/metrana/views/v1/series_buckets_pb";
import { formatDuration, formatValue } from "./format";
import {
  isMetricAxis,
  type MetricAxis,
  metricAxis,
  metricOfAxis,
  metricTitle,
  type NamedMetric,
} from "./metric_axis";
import { exactMoment, formatMoment } from "./moment";
import { RL_SCALES } from "./sections";

/** What the points of every run have, and charts go along. */
export type CommonAxis = "step" | "update" | "total" | "episode" | "env_step" | "relative" | "wall";

/** What charts go along: also the values of a metric. */
export type AxisName = CommonAxis | MetricAxis;

interface AxisKind {
  axis: Axis;
  title: string;
  /** Whether points of environments, and others, have it. */
  rl: boolean;
  other: boolean;
  time: boolean;
}

const KINDS: Record<CommonAxis, AxisKind> = {
  step: { axis: Axis.STEP, title: "step", rl: false, other: true, time: false },
  update: { axis: Axis.RL_STEP, title: "update", rl: true, other: false, time: false },
  total: {
    axis: Axis.CUMULATIVE_ENV_STEPS,
    title: "env steps of each environment",
    rl: true,
    other: false,
    time: false,
  },
  episode: { axis: Axis.EPISODE, title: "episode", rl: true, other: false, time: false },
  env_step: {
    axis: Axis.ENV_STEP,
    title: "env step within its episode",
    rl: true,
    other: false,
    time: false,
  },
  relative: {
    axis: Axis.RELATIVE_TIME,
    title: "time since the run began",
    rl: true,
    other: true,
    time: true,
  },
  wall: { axis: Axis.WALL_TIME, title: "time of day (UTC)", rl: true, other: true, time: true },
};

/** All axes but metrics, in the order in which a key goes through them. */
export const AXES = Object.keys(KINDS) as CommonAxis[];

/** The server's name of an axis. */
export function axisOf(name: CommonAxis): Axis {
  return KINDS[name].axis;
}

/** What a page calls an axis. */
export function axisTitle(name: AxisName): string {
  return isMetricAxis(name) ? metricTitle(metricOfAxis(name)) : KINDS[name].title;
}

/** Whether xs are milliseconds. */
export function isTime(name: AxisName): boolean {
  return !isMetricAxis(name) && KINDS[name].time;
}

/** Whether xs are whole numbers. */
export function isCount(name: AxisName): boolean {
  return !isMetricAxis(name) && !KINDS[name].time;
}

/** The axis by which a metric's points are put at values of another one. */
export function joiningAxis({ scale }: NamedMetric): "update" | "step" {
  return RL_SCALES.includes(scale) ? "update" : "step";
}

/**
 * The axis that a chart of a metric goes along when the page goes along another: points of
 * environments have updates where others have steps, and no metric goes along itself.
 */
export function axisFor(metric: NamedMetric, wanted: AxisName): AxisName {
  const rl = RL_SCALES.includes(metric.scale);
  if (isMetricAxis(wanted)) {
    if (wanted !== metricAxis(metric)) return wanted;
  } else if (rl ? KINDS[wanted].rl : KINDS[wanted].other) return wanted;
  return joiningAxis(metric);
}

/** The axis behind another. */
export function nextAxis(name: AxisName): CommonAxis {
  if (isMetricAxis(name)) return "step";
  return AXES[(AXES.indexOf(name) + 1) % AXES.length] ?? "step";
}

/** The text of an address; "" and what is no axis are steps. */
export function parseAxis(text: string): AxisName {
  return isMetricAxis(text) ? text : (AXES.find((name) => name === text) ?? "step");
}

/** An x as a reader sees it. */
export function formatX(name: AxisName, x: number): string {
  if (name === "relative") return formatDuration(x / 1000);
  if (name === "wall") return formatMoment(x);
  return Number.isInteger(x) ? String(x) : formatValue(x);
}

/** A stretch as exactly as it is known: digits of where buckets of values end were never logged. */
export function stretchText(name: AxisName, from: number, to: number): string {
  if (to === from) return exactX(name, from);
  const text = isMetricAxis(name) ? formatX : exactX;
  return `${text(name, from)} to ${text(name, to)}`;
}

/** An x with all its digits; times of day are UTC. */
export function exactX(name: AxisName, x: number): string {
  if (name === "relative") return `${x / 1000} s`;
  return name === "wall" ? exactMoment(x) : String(x);
}
