import { expect, test } from "vitest";
import { hrefHere, stateHref, stateOf, stateText } from "./saved_views";

const of = { workspace: "w", project: "p/q" };
const charts = { name: "v", page: "charts", run: "a b", parameters: "x=step" };

test("a page is saved with its run and its query, and opened again", () => {
  const route = { page: "charts", ...of, run: "a b" } as const;
  expect(stateOf(route, "?x=step")).toEqual({ page: "charts", run: "a b", parameters: "x=step" });
  expect(stateHref(of, stateOf(route, "?x=step"))).toBe("/w/p%2Fq/a%20b/charts?x=step");
  expect(stateHref(of, stateOf({ page: "run", ...of, run: "r" }, ""))).toBe("/w/p%2Fq/r");
  expect(stateHref(of, stateOf({ page: "runs", ...of }, "?sort=%3F"))).toBe("/w/p%2Fq?sort=%3F");
});

test("a view of a run is offered for other runs, but for an episode", () => {
  const here = { page: "run", ...of, run: "c" } as const;
  expect(hrefHere(charts, here)).toBe("/w/p%2Fq/c/charts?x=step");
  expect(hrefHere(charts, { ...here, run: "a b" })).toBeNull();
  expect(hrefHere(charts, { page: "runs", ...of })).toBeNull();
  expect(hrefHere({ ...charts, page: "episode" }, here)).toBeNull();
  expect(hrefHere({ name: "v", page: "runs", parameters: "" }, here)).toBeNull();
});

test("a page is told in words", () => {
  expect(stateText(charts)).toBe("Charts of a b");
  expect(stateText({ page: "run", run: "r", parameters: "" })).toBe("Overview of r");
  expect(stateText({ page: "runs", parameters: "filter=x" })).toBe("Table of runs");
  expect(stateText({ page: "runs", parameters: "screen=charts&runs=a" })).toBe("Charts of 1 run");
  expect(stateText({ page: "runs", parameters: "screen=compare&runs=a,b" })).toBe(
    "Comparison of 2 runs",
  );
});
