import type { CommonAxis } from "./axis";

/** What a point is known by beside its value; null where it has no such thing. */
export interface LoggedPoint {
  /** The run that it was logged in: of an inherited one the parent, as far as that is found out. */
  run: string | null;
  environment: string | null;
  episode: number | null;
  update: number | null;
  /** As it was logged; of points of environments within their episode. */
  step: number | null;
  /** In milliseconds since 1970. */
  time: number | null;
}

const NOTHING: LoggedPoint = {
  run: null,
  environment: null,
  episode: null,
  update: null,
  step: null,
  time: null,
};

/** Where a point lies on an axis; null where that is not known. */
export function xOf({ episode, update, step, time }: LoggedPoint, axis: CommonAxis): number | null {
  const xs: Partial<Record<CommonAxis, number | null>> = {
    step,
    update,
    episode,
    env_step: step,
    wall: time,
  };
  return xs[axis] ?? null;
}

/** What several points that one may be have in common; null of what they differ in. */
export function inCommon(points: readonly LoggedPoint[]): LoggedPoint {
  const [first, ...others] = points;
  if (!first) return NOTHING;
  const shared = <K extends keyof LoggedPoint>(key: K): LoggedPoint[K] | null =>
    others.every((point) => point[key] === first[key]) ? first[key] : null;
  return {
    run: shared("run"),
    environment: shared("environment"),
    episode: shared("episode"),
    update: shared("update"),
    step: shared("step"),
    time: shared("time"),
  };
}

/** Points as parallel columns of some answers have them. */
export interface PointColumns {
  values: ArrayLike<number>;
  /** How many points each entry sums up; none: one each. */
  counts?: ArrayLike<bigint>;
  episodes?: ArrayLike<bigint>;
  steps?: ArrayLike<bigint>;
  times: ArrayLike<bigint>;
}

/** The single points among them that have a value. */
export function withValue(
  { values, counts, episodes, steps, times }: PointColumns,
  value: number,
  of: Pick<LoggedPoint, "run" | "environment" | "update">,
): LoggedPoint[] {
  const number = (column: ArrayLike<bigint> | undefined, i: number) =>
    column?.[i] === undefined ? null : Number(column[i]);
  return Array.from(values).flatMap((v, i) =>
    isSame(v, value) && (counts?.[i] ?? 1n) === 1n
      ? [{ ...of, episode: number(episodes, i), step: number(steps, i), time: number(times, i) }]
      : [],
  );
}

function isSame(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}
