import { expect, test } from "vitest";
import {
  formatGrouping,
  type Grouping,
  groupingPaths,
  groupRuns,
  parseGrouping,
  regroup,
} from "./groups";

const run = (name: string, algorithm: string, seed: number, tags: string[]) => ({
  name,
  attributes: new Map<string, string | number | string[]>([
    ["config/algorithm", algorithm],
    ["config/seed", seed],
    ["config/steps", 48],
    ["sys/tags", tags],
  ]),
});
const runs = [
  run("p0", "ppo", 0, ["a"]),
  run("p1", "ppo", 1, ["a", "b"]),
  run("q0", "a2c", 0, []),
  run("q1", "a2c", 1, ["b"]),
];

test("runs are grouped by an attribute, by tags, or not at all", () => {
  const names = (grouping: Grouping) => groupRuns(runs, grouping).map((g) => [g.name, ...g.runs]);
  expect(names({ by: "attribute", path: "config/algorithm" })).toEqual([
    ["a2c", "q0", "q1"],
    ["ppo", "p0", "p1"],
  ]);
  expect(names({ by: "tag" })).toEqual([
    ["a", "p0", "p1"],
    ["b", "p1", "q1"],
  ]);
  expect(names({ by: "run" })).toHaveLength(4);
  expect(names({ by: "all" })).toEqual([["all runs", "p0", "p1", "q0", "q1"]]);
  expect(names({ by: "attribute", path: "config/none" })).toEqual([]);
});

test("groups by hand leave out runs that are not there", () => {
  const groups = [
    { name: "x", runs: ["q1", "gone"] },
    { name: "y", runs: ["gone"] },
  ];
  expect(groupRuns(runs, { by: "hand", groups })).toEqual([{ name: "x", runs: ["q1"] }]);
});

test("seeds and what all runs share are no groups", () => {
  expect(groupingPaths(runs)).toEqual(["config/algorithm"]);
});

test("groupings come back from an address", () => {
  for (const grouping of [
    { by: "attribute", path: "config/algorithm" },
    { by: "tag" },
    { by: "hand", groups: [{ name: "a,b", runs: ["p0", "p1"] }] },
  ] satisfies Grouping[]) {
    expect(parseGrouping(formatGrouping(grouping))).toEqual(grouping);
  }
  expect(parseGrouping("")).toBeNull();
});

test("a run moves from group to group", () => {
  const groups = [{ name: "x", runs: ["p0", "p1"] }];
  expect(regroup(groups, "p0", "y")).toEqual([
    { name: "x", runs: ["p1"] },
    { name: "y", runs: ["p0"] },
  ]);
  expect(regroup([{ name: "x", runs: ["p0"] }], "p0", "")).toEqual([]);
});
