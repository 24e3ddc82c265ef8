import { expect, test } from "vitest";
import { chartedTitle, chartsSearch, firstNames, firstOfGroups, MOST_FIRST } from "./charted_runs";

test("the first runs of a table are charted, by name: a row that moves among them changes nothing", () => {
  const rows = new Map(["c", "a", "b"].map((name, place) => [place, { name }]));
  expect(firstNames(rows)).toEqual(["a", "b", "c"]);
});

test("rows behind a gap are not the first; there are not too many", () => {
  const rows = new Map(Array.from({ length: 100 }, (_, i) => [i, { name: `run-${i}` }]));
  expect(firstNames(rows)).toHaveLength(MOST_FIRST);
  rows.delete(2);
  expect(firstNames(rows)).toEqual(["run-0", "run-1"]);
});

const groupsOf = (...names: string[][]) => names.map((runs) => ({ runs }));

test("of groups the first runs of each are charted, as many as there are colours", () => {
  const seeds = (name: string) => Array.from({ length: 5 }, (_, i) => `${name}-${i}`);
  const groups = groupsOf(seeds("ppo"), seeds("a2c"), seeds("dqn"));
  expect(firstOfGroups(groups)).toEqual(
    ["a2c-0", "a2c-1", "a2c-2", "dqn-0", "dqn-1", "ppo-0", "ppo-1", "ppo-2"], // dqn is last
  );
});

test("a small group leaves its place to the others; groups beyond the colours have none", () => {
  expect(firstOfGroups(groupsOf(["b", "d", "c"], ["a"]))).toEqual(["a", "b", "c", "d"]);
  expect(firstOfGroups(groupsOf(..."ihgfedcba".split("").map((name) => [name])))).toEqual(
    "bcdefghi".split(""),
  );
  expect(firstOfGroups([])).toEqual([]);
});

test("the title of charts says whose they are", () => {
  expect(chartedTitle(1, true, 3)).toBe("Charts of 1 run");
  expect(chartedTitle(8, false, null)).toBe("Charts of the first 8 runs");
  expect(chartedTitle(8, false, 3)).toBe("Charts of 8 runs of 3 groups");
});

test("the page of charts shows them as they are beside the table", () => {
  const search = "?filter=x&selected=a&panel=50&view=logy&zoom=step%3A1..2&colour=%3Agroup";
  const params = new URLSearchParams(chartsSearch(["a,b", "c"], "config/lr", search));
  expect(Object.fromEntries(params)).toEqual({
    screen: "charts",
    runs: "a%2Cb,c",
    colour: "config/lr",
    view: "logy",
    zoom: "step:1..2",
  });
});
