import type { CurveBuckets } from "../gen/metrana/views/v1/series_buckets_pb";
import type { SeriesDefinition } from "../gen/metrana_protobuf/common/v1/series_pb";
import { axisOf, type CommonAxis } from "../lib/axis";
import type { ChartPoint } from "../lib/chart_point";
import { floats } from "../lib/columns";
import { labelOf } from "../lib/labels";
import { inCommon, type LoggedPoint, withValue, xOf } from "../lib/logged_point";
import { lowestThat } from "../lib/lowest_that";
import { queryFor, RL_SCALES } from "../lib/sections";
import type { RunName } from "../server";
import { type Ancestor, nullWhereNotFound, readAncestors } from "./ancestors";
import { queries, views } from "./clients";
import { labelsOf, MOST_BUCKETS } from "./curves";

/** Where a value was seen. */
export interface SeenPoint {
  run: RunName;
  metric: { metricName: string; scale: string };
  axis: CommonAxis;
  /** Whether forked runs have the points of their parents, too. */
  inherited: boolean;
  /** In this bucket. */
  point: ChartPoint;
  /** Of the point; of a bucket with several the least, the greatest, or what is not finite. */
  value: number;
}

/** Finds out what a point is known by that a chart sums up; of several that are not finite one. */
export async function findPoint(seen: SeenPoint, signal: AbortSignal): Promise<LoggedPoint> {
  if (RL_SCALES.includes(seen.metric.scale)) return findInEnvironments(seen, signal);
  const points = await (seen.axis === "step" ? listBySteps : listByTimes)(seen, signal);
  return inCommon(Number.isFinite(seen.value) ? points : points.slice(0, 1));
}

/** How many points of a bucket are looked through. */
const MOST_POINTS = 100_000n;

async function listBySteps(
  { run: { workspace, project, run }, metric, inherited, point, value }: SeenPoint,
  signal: AbortSignal,
): Promise<LoggedPoint[]> {
  const stepRange = { fromStep: BigInt(point.from), toStep: BigInt(point.to) };
  const answer = await queries.listFloatSeries(
    {
      workspace,
      project,
      runNames: [run],
      seriesQueries: [queryFor(metric)],
      includeTimestamps: true,
      maxPointsPerPage: MOST_POINTS,
      stepSelection: { selection: { case: "stepRange", value: stepRange } },
      includeInherited: inherited,
    },
    { signal },
  );
  const series = answer.runPoints.flatMap((r) => r.series).filter((s) => isOf(s, point));
  return series.flatMap(({ points }) =>
    withValue(
      {
        values: points?.values ?? [],
        steps: points?.steps ?? [],
        times: points?.timestampMillis ?? [],
      },
      value,
      STANDARD,
    ),
  );
}

/** What points without an environment have instead. */
const STANDARD = { run: null, environment: null, update: null };

async function listByTimes(
  { run: { workspace, project, run }, metric, axis, inherited, point, value }: SeenPoint,
  signal: AbortSignal,
): Promise<LoggedPoint[]> {
  const answer = await queries.listFloatSeriesTimestampBuckets(
    {
      workspace,
      project,
      runNames: [run],
      seriesQueries: [queryFor(metric)],
      useRelativeTimestamp: axis === "relative",
      timestampRange: {
        fromTimestampMillis: BigInt(point.from),
        toTimestampMillis: BigInt(point.to),
      },
      bucketsCount: BigInt(MOST_BUCKETS),
      includeInherited: inherited,
    },
    { signal },
  );
  const series = answer.runSeries?.series.filter((s) => isOf(s, point)) ?? [];
  return series.flatMap((s) =>
    withValue(
      { values: s.yValues, counts: s.counts, steps: s.lastSteps, times: s.lastTimestampMillis },
      value,
      STANDARD,
    ),
  );
}

/** Whether an answer's series is the one that was pointed at. */
export function isOf(
  { definition }: { definition?: SeriesDefinition | undefined },
  { curve }: ChartPoint,
): boolean {
  return labelOf(labelsOf(definition)) === curve.labels;
}

/**
 * The environment that has the value is that of whose curve it is an extreme; the update
 * at which it has it is narrowed down, and the points at that update are looked through.
 */
async function findInEnvironments(seen: SeenPoint, signal: AbortSignal): Promise<LoggedPoint> {
  const ancestors = seen.inherited ? await readAncestors(seen.run, signal) : [];
  const environment = await findEnvironment(seen, ancestors, signal);
  if (environment === null) return inCommon([]);
  const latest = Math.max(environment.latestUpdate, ancestors[0]?.upTo ?? 0);
  const [from, to] = seen.axis === "update" ? [seen.point.from, seen.point.to] : [0, latest];
  const update = await lowestThat(from, to, async (upTo) => {
    const found = await whichHave(seen, [environment.id], { from, to: upTo }, signal);
    return found.length > 0;
  });
  const list = Number.isFinite(seen.value) ? listAtUpdate : listEpisodesAtUpdate;
  const run = await holderOf(seen, ancestors, environment.id, update, signal);
  const points = await list(seen, { run, environment: environment.id, update }, signal);
  return inCommon(points.filter((logged) => fits(seen, logged)));
}

const ENVIRONMENTS_PAGE = 1000;

interface FoundEnvironment {
  id: string;
  latestUpdate: number;
}

/** An environment that has the value: of the run, or of one that it inherits from. */
async function findEnvironment(
  seen: SeenPoint,
  ancestors: readonly Ancestor[],
  signal: AbortSignal,
): Promise<FoundEnvironment | null> {
  for (const run of [seen.run.run, ...ancestors.map((a) => a.run)]) {
    const found = await findEnvironmentOf(run, seen, signal);
    if (found) return found;
  }
  return null;
}

async function findEnvironmentOf(
  run: string,
  seen: SeenPoint,
  signal: AbortSignal,
): Promise<FoundEnvironment | null> {
  for (let offset = 0; ; offset += ENVIRONMENTS_PAGE) {
    const { environments } = await queries.listRLEnvironments(
      { ...seen.run, run, limit: BigInt(ENVIRONMENTS_PAGE), offset: BigInt(offset) },
      { signal },
    );
    if (environments.length === 0) return null;
    const ids = environments.map((e) => e.environmentId);
    const [id] = await whichHave(seen, ids, seen.axis === "update" ? seen.point : null, signal);
    const found = environments.find((e) => e.environmentId === id);
    if (found) return { id: found.environmentId, latestUpdate: Number(found.latestRlStep) };
  }
}

/**
 * The run that a point was logged in. Up to the fork a series in an environment has the points
 * of the parent, where that has some, and its own only behind them.
 */
async function holderOf(
  { run: { workspace, project, run }, metric, point }: SeenPoint,
  ancestors: readonly Ancestor[],
  environment: string,
  update: number,
  signal: AbortSignal,
): Promise<string> {
  let holder = run;
  for (const { run: ancestor, upTo } of ancestors) {
    if (update > upTo) break;
    const answer = await views
      .bucketSeries(
        {
          workspace,
          project,
          runs: [ancestor],
          seriesQueries: [queryFor(metric)],
          environments: [environment],
          axis: axisOf("update"),
          rlSteps: { from: BigInt(update), to: BigInt(update) },
          buckets: 1,
          includeInherited: true,
        },
        { signal },
      )
      .catch(nullWhereNotFound); // the ancestor may not have the environment
    if (!answer?.curves.some((c) => isOf({ definition: c.identity?.series }, point))) break;
    holder = ancestor;
  }
  return holder;
}

/** The environments in whose part of the bucket the value is the least or the greatest. */
async function whichHave(
  { run: { workspace, project, run }, metric, axis, inherited, point, value }: SeenPoint,
  environments: string[],
  updates: { from: number; to: number } | null,
  signal: AbortSignal,
): Promise<string[]> {
  const stretch = { from: BigInt(point.from), to: BigInt(point.to) };
  const rlSteps = updates && { from: BigInt(updates.from), to: BigInt(updates.to) };
  const { curves } = await views.bucketSeries(
    {
      workspace,
      project,
      runs: [run],
      seriesQueries: [queryFor(metric)],
      environments,
      axis: axisOf(axis),
      range: stretch,
      // As the range says, but so that the server reads no more than this.
      ...(axis === "episode" ? { episodes: stretch } : {}),
      ...(rlSteps ? { rlSteps } : {}),
      buckets: 1,
      includeInherited: inherited,
    },
    { signal },
  );
  return curves
    .filter((curve) => has(curve, value) && isOf({ definition: curve.identity?.series }, point))
    .map((curve) => curve.identity?.environment ?? "");
}

/** Whether a bucket has a value that is not finite, or one that is its least or greatest. */
export function has(curve: CurveBuckets, value: number): boolean {
  if (!Number.isFinite(value)) return marksOf(curve, value).length > 0;
  return floats(curve.minima)[0] === value || floats(curve.maxima)[0] === value;
}

/** Where buckets begin that have a value that is not finite. */
function marksOf(curve: CurveBuckets, value: number): Float64Array {
  if (Number.isNaN(value)) return floats(curve.nanXs);
  return floats(value > 0 ? curve.infinityXs : curve.negativeInfinityXs);
}

/** Where points were logged. */
interface Place {
  run: string;
  environment: string;
  update: number;
}

async function listAtUpdate(
  { run, metric, inherited, point, value }: SeenPoint,
  place: Place,
  signal: AbortSignal,
): Promise<LoggedPoint[]> {
  const answer = await queries.listRLEnvironmentFloatSeriesBuckets(
    {
      ...run,
      environments: [place.environment],
      seriesQueries: [queryFor(metric)],
      scaleSelector: { scale: { case: "rlStep", value: BigInt(place.update) } },
      bucketsCount: BigInt(MOST_BUCKETS),
      includeTimestamps: true,
      useSpecializedRlSeriesBuckets: true,
      includeInherited: inherited,
    },
    { signal },
  );
  const rollout = answer.rlSpecializedSeries;
  if (rollout.case !== "rlSeriesOnRlStepSelector") return [];
  const hasSteps = metric.scale === "ENVIRONMENT_STEP";
  return rollout.value.series
    .filter((s) => isOf(s, point))
    .flatMap((s) =>
      withValue(
        {
          values: s.yValues,
          counts: s.counts,
          episodes: s.episodes,
          ...(hasSteps ? { steps: s.lastEnvSteps } : {}),
          times: s.lastTimestampMillis,
        },
        value,
        place,
      ),
    );
}

/** As listAtUpdate of points that are not finite, of which less is answered. */
async function listEpisodesAtUpdate(
  { run: { workspace, project, run }, metric, inherited, point, value }: SeenPoint,
  place: Place,
  signal: AbortSignal,
): Promise<LoggedPoint[]> {
  const { curves } = await views.bucketSeries(
    {
      workspace,
      project,
      runs: [run],
      seriesQueries: [queryFor(metric)],
      environments: [place.environment],
      axis: axisOf("episode"),
      rlSteps: { from: BigInt(place.update), to: BigInt(place.update) },
      buckets: MOST_BUCKETS,
      includeInherited: inherited,
    },
    { signal },
  );
  const known = { ...inCommon([]), ...place };
  const episodes = curves
    .filter((curve) => isOf({ definition: curve.identity?.series }, point))
    .flatMap((curve) => [...marksOf(curve, value)]);
  return episodes.length === 0 ? [known] : episodes.map((episode) => ({ ...known, episode }));
}

/** Whether a point lies in the bucket, as far as it is known by the bucket's axis. */
function fits({ axis, point: { from, to } }: SeenPoint, logged: LoggedPoint): boolean {
  const x = xOf(logged, axis);
  return x === null || (x >= from && x <= to);
}
