import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { copyProgram } from "../copy_program";
import { useElsewhere } from "../elsewhere";
import { type AxisName, axisTitle, exactX, stretchText } from "../lib/axis";
import type { ChartPoint } from "../lib/chart_point";
import { fileName } from "../lib/file_name";
import { formatCount } from "../lib/format";
import { type LoggedPoint, xOf } from "../lib/logged_point";
import { isMetricAxis } from "../lib/metric_axis";
import { exactMoment } from "../lib/moment";
import { pythonCall } from "../lib/python_call";
import { episodeHref } from "../lib/route";
import { RL_SCALES } from "../lib/sections";
import type { Stretch } from "../lib/zoom";
import type { RunName } from "../server";
import { MOST_BUCKETS } from "../server/curves";
import { findPointAlong } from "../server/points_by_metric";

interface Props {
  run: RunName;
  metric: { metricName: string; scale: string };
  axis: AxisName;
  /** Whether forked runs have the points of their parents, too. */
  inherited: boolean;
  point: ChartPoint;
  /** What is drawn instead of its value. */
  smoothed: number | null;
  onZoom: (stretch: Stretch) => void;
  onClose: () => void;
}

/**
 * What is known of a bucket of a chart: of a single point all that it was logged with, of
 * several how many they are and, where environments have them, whose are the extremes.
 */
export function PointCard(props: Props) {
  const { run, metric, axis, inherited, point, onClose } = props;
  const card = useRef<HTMLDivElement>(null);
  useEffect(() => card.current?.focus({ preventScroll: true }), []);
  useElsewhere(card, onClose);
  const values = valuesToFind(point, RL_SCALES.includes(metric.scale));
  const found = useAnswer(
    (signal) =>
      Promise.all(
        values.map((value) =>
          findPointAlong({ run, metric, axis, inherited, point, value }, signal),
        ),
      ),
    [],
  ).value;
  const logged = found.value ?? [];
  return (
    <div
      class="point-card"
      role="dialog"
      aria-label={`Point of ${metric.metricName}`}
      aria-busy={found.loading}
      tabIndex={-1}
      ref={card}
      onKeyDown={(event) => event.key === "Escape" && onClose()}
    >
      <Facts {...props} logged={logged} />
      {found.loading && values.length > 0 && <p class="faint">Looking where it was logged…</p>}
      {found.failure !== null && (
        <p class="failed" role="alert">
          The server did not say where it was logged: {found.failure}
        </p>
      )}
      <Buttons {...props} logged={logged} />
    </div>
  );
}

/** Values of points that are looked for: of several only environments' are worth it. */
function valuesToFind(point: ChartPoint, ofEnvironments: boolean): number[] {
  const { min, max } = point;
  if (isSingle(point)) return [point.notFinite ?? min];
  return ofEnvironments ? [min, max] : [];
}

/** Whether it is one point that is told of; of those that are not finite one. */
function isSingle({ count, notFinite }: ChartPoint): boolean {
  return count === 1 || notFinite !== null;
}

interface LoggedProps extends Props {
  /** The single point, or those with the least and the greatest value; empty until found. */
  logged: readonly LoggedPoint[];
}

function Facts({ run, axis, point, smoothed, logged: [first, second] }: LoggedProps) {
  return (
    <dl>
      <Row name="Run">{run.run}</Row>
      {point.curve.labels !== "" && <Row name="Series">{point.curve.labels}</Row>}
      <Row name={axisTitle(axis)}>{placeText(axis, point, first)}</Row>
      {isSingle(point) ? (
        <>
          <Row name="Value">
            {point.notFinite === null ? String(point.min) : `${point.notFinite}, one of those here`}
          </Row>
          {first && <LoggedRows of={first} axis={axis} run={run} />}
        </>
      ) : (
        <>
          <Row name="Points">{formatCount(point.count)}</Row>
          <Row name="Mean">{String(point.mean)}</Row>
          <Row name="Last">{String(point.last)}</Row>
          <Row name="Least">
            {String(point.min)} <Whose of={first} run={run} />
          </Row>
          <Row name="Greatest">
            {String(point.max)} <Whose of={second} run={run} />
          </Row>
        </>
      )}
      {smoothed !== null && <Row name="Smoothed">{String(smoothed)}</Row>}
    </dl>
  );
}

function Buttons(props: LoggedProps) {
  const { run, point, onZoom, onClose } = props;
  const single = isSingle(point) ? props.logged[0] : undefined;
  return (
    <div class="buttons">
      {single && <EpisodeLink of={single} run={run} />}
      {point.to > point.from && (point.count > 1 || point.notFinite !== null) && (
        <button type="button" onClick={() => onZoom({ from: point.from, to: point.to })}>
          Zoom in on {point.notFinite === null ? `${formatCount(point.count)} points` : "them"}
        </button>
      )}
      <CopyQuery {...props} environment={single?.environment ?? null} />
      <button type="button" onClick={onClose}>
        Close
      </button>
    </div>
  );
}

/** Where a single point lies, once that is known, or what stretch its bucket sums up. */
function placeText(axis: AxisName, point: ChartPoint, logged: LoggedPoint | undefined): string {
  const { from, to } = point;
  const x = isSingle(point) && logged && !isMetricAxis(axis) ? xOf(logged, axis) : null;
  return x === null ? stretchText(axis, from, to) : exactX(axis, x);
}

function Row({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** What a point was logged with beside what its chart goes along. */
function LoggedRows({ of, axis, run }: { of: LoggedPoint; axis: AxisName; run: RunName }) {
  const { environment, episode, update, step, time } = of;
  return (
    <>
      {of.run !== null && of.run !== run.run && <Row name="Inherited from">{of.run}</Row>}
      {environment !== null && <Row name="Environment">{environment}</Row>}
      {episode !== null && axis !== "episode" && <Row name="Episode">{episode}</Row>}
      {update !== null && axis !== "update" && <Row name="Update">{update}</Row>}
      {step !== null && axis !== "step" && axis !== "env_step" && (
        <Row name={environment === null ? "Step" : "Env step"}>{step}</Row>
      )}
      {time !== null && axis !== "wall" && <Row name="Time">{exactMoment(time)}</Row>}
    </>
  );
}

/** The environment and episode of one of several points. */
function Whose({ of, run }: { of: LoggedPoint | undefined; run: RunName }) {
  if (!of || of.environment === null) return null;
  if (of.episode === null) return <span class="faint">{of.environment}</span>;
  return (
    <a href={episodeHref(holderOf(of, run), of.environment, of.episode)}>
      {of.environment}, episode {of.episode}
    </a>
  );
}

function EpisodeLink({ of, run }: { of: LoggedPoint; run: RunName }) {
  const { environment, episode } = of;
  if (environment === null || episode === null) return null;
  return (
    <a class="button" href={episodeHref(holderOf(of, run), environment, episode)}>
      Open episode
    </a>
  );
}

/** The run that a point was logged in, which has its episode. */
function holderOf(of: LoggedPoint, run: RunName): RunName {
  return { ...run, run: of.run ?? run.run };
}

/** Copies the call that gives what the point sums up. */
function CopyQuery({
  run,
  metric,
  axis,
  inherited,
  point,
  environment,
}: Props & { environment: string | null }) {
  const done = useSignal<"copied" | "saved" | null>(null);
  const copy = async () => {
    const { from, to, curve } = point;
    const program = pythonCall({
      origin: window.location.origin,
      ...run,
      runs: [run.run],
      metric,
      labels: curve.labelValues,
      environment: isMetricAxis(axis) ? null : environment,
      axis,
      range: { from, to },
      buckets: isMetricAxis(axis) ? MOST_BUCKETS : Math.min(to - from + 1, MOST_BUCKETS),
      inherited,
    });
    done.value = await copyProgram(fileName(metric.metricName, "py"), program);
  };
  return (
    <button type="button" onClick={copy}>
      {done.value === null ? "Copy query" : `Query ${done.value}`}
    </button>
  );
}
