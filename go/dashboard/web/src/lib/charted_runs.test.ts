import { expect, test } from "vitest";
import { chartsSearch, firstNames, MOST_FIRST } from "./charted_runs";

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
