import { expect, test } from "vitest";
import { PALETTE_SIZE } from "./colour";
import { coloursOf } from "./run_colours";

test("a run alone keeps its colour among others that come after it", () => {
  const alone = coloursOf(["a"]).get("a");
  expect(coloursOf(["zebra", "a"]).get("a")).toBe(alone);
});

test("as many runs as there are colours have one each", () => {
  const names = Array.from({ length: PALETTE_SIZE }, (_, i) => `seed-${i}`);
  expect(new Set(coloursOf(names).values()).size).toBe(PALETTE_SIZE);
  expect(coloursOf([...names].reverse())).toEqual(coloursOf(names));
});

test("more runs than colours share them", () => {
  const names = Array.from({ length: 50 }, (_, i) => `seed-${i}`);
  expect(coloursOf(names).size).toBe(50);
});
