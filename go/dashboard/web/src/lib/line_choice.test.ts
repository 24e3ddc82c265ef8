import { expect, test } from "vitest";
import { ALL_LINES, formatChoice, isDrawn, isolated, parseChoice, toggled } from "./line_choice";

const drawn = (choice: typeof ALL_LINES) => ["a", "b, c", "d"].filter((k) => isDrawn(choice, k));

test("one line alone, and all again", () => {
  const alone = isolated(ALL_LINES, "b, c");
  expect(drawn(alone)).toEqual(["b, c"]);
  expect(drawn(isolated(alone, "a"))).toEqual(["a"]);
  expect(isolated(alone, "b, c")).toBe(ALL_LINES);
});

test("lines are hidden and shown one by one", () => {
  const without = toggled(ALL_LINES, "a");
  expect(drawn(without)).toEqual(["b, c", "d"]);
  expect(toggled(without, "a")).toBe(ALL_LINES);
  const two = toggled(isolated(ALL_LINES, "a"), "d");
  expect(drawn(two)).toEqual(["a", "d"]);
  expect(drawn(toggled(isolated(ALL_LINES, "a"), "a"))).toEqual(["a", "b, c", "d"]);
});

test("a line that nothing is beside is always drawn", () => {
  expect(isDrawn(isolated(ALL_LINES, "a"), "")).toBe(true);
});

test("a choice survives an address", () => {
  for (const choice of [isolated(ALL_LINES, "b, c"), toggled(ALL_LINES, "only"), ALL_LINES]) {
    expect(parseChoice(formatChoice(choice))).toEqual(choice);
  }
  for (const text of ["", "only", "a,b", "only,"]) expect(parseChoice(text)).toBe(ALL_LINES);
});
