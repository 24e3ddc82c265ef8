import { expect, test } from "vitest";
import type { RunColumn } from "./run_columns";
import { groupRuns, summedColumns } from "./run_groups";

test("groups have the means of those of their runs that have a number", () => {
  const groups = groupRuns([
    { name: "a", value: "ppo", numbers: [1, null] },
    { name: "b", value: "a2c", numbers: [10, 5] },
    { name: "c", value: "ppo", numbers: [3, Number.NaN] },
  ]);
  expect(groups.map((g) => [g.value, g.runs])).toEqual([
    ["ppo", ["a", "c"]],
    ["a2c", ["b"]],
  ]);
  expect(groups[0]?.estimates[0]).toMatchObject({ n: 2, mean: 2 });
  expect(groups[0]?.estimates[1]).toBeNull();
  expect(groups[1]?.estimates[1]).toEqual({ n: 1, mean: 5, half: null });
});

test("there is no mean of what groups agree in, nor of seeds", () => {
  const attribute = (path: string): RunColumn => ({ kind: "attribute", path });
  const last: RunColumn = { kind: "summary", metric: "seed", scale: "ML_STEP", func: "last" };
  const columns = ["config/lr", "config/seed", "config/env_seed", "config/seeds"].map(attribute);
  expect(summedColumns([...columns, last], attribute("config/lr"))).toEqual([
    attribute("config/seeds"),
    last,
  ]);
});
