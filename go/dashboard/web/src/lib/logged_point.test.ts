import { expect, test } from "vitest";
import { inCommon, withValue, xOf } from "./logged_point";

const of = { run: "parent", environment: "env-1", update: 7 };

test("points are found by their values, and sums of several are none", () => {
  const columns = {
    values: [1, 2, 2, 2],
    counts: [1n, 1n, 3n, 1n],
    episodes: [4n, 4n, 5n, 5n],
    times: [10n, 20n, 30n, 40n],
  };
  expect(withValue(columns, 2, of)).toEqual([
    { ...of, episode: 4, step: null, time: 20 },
    { ...of, episode: 5, step: null, time: 40 },
  ]);
  expect(withValue({ values: [3], steps: [9n], times: [] }, 3, of)).toEqual([
    { ...of, episode: null, step: 9, time: null },
  ]);
  expect(
    withValue({ values: [1, Number.NaN], steps: [8n, 9n], times: [] }, Number.NaN, of),
  ).toEqual([{ ...of, episode: null, step: 9, time: null }]);
});

test("only what is certain is said", () => {
  const point = { ...of, episode: 4, step: 1, time: 20 };
  expect(inCommon([point])).toEqual(point);
  expect(inCommon([point, { ...point, step: 2, time: 30 }])).toEqual({
    ...point,
    step: null,
    time: null,
  });
  expect(inCommon([]).environment).toBeNull();
});

test("a point lies where it was logged, on axes that say so", () => {
  const point = { ...of, episode: 4, step: 1, time: 20 };
  expect(
    (["update", "episode", "env_step", "wall", "total"] as const).map((axis) => xOf(point, axis)),
  ).toEqual([7, 4, 1, 20, null]);
});
