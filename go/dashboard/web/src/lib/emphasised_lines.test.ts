import { expect, test } from "vitest";
import { emphasisedLines } from "./emphasised_lines";

const LINES = [{ run: "a" }, { run: "b" }, { run: "a" }];

test("all lines of the run that is pointed at stand out", () => {
  expect(emphasisedLines(LINES, null, "a")).toEqual(new Set([0, 2]));
});

test("what is pointed at in the legend goes before", () => {
  expect(emphasisedLines(LINES, 1, "a")).toEqual(new Set([1]));
});

test("beside a run that is not drawn nothing pales", () => {
  expect(emphasisedLines(LINES, null, "c")).toBeNull();
  expect(emphasisedLines(LINES, null, null)).toBeNull();
});
