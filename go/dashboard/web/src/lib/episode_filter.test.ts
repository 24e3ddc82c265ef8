import { expect, test } from "vitest";
import {
  EVERYTHING,
  episodeSearch,
  formatNames,
  formatStretch,
  parseNames,
  parseStretch,
} from "./episode_filter";

test("stretches come back from an address", () => {
  for (const stretch of [
    { from: 3, to: 17 },
    { from: null, to: -2.5 },
    { from: 0, to: null },
    EVERYTHING,
  ]) {
    expect(parseStretch(formatStretch(stretch))).toEqual(stretch);
  }
});

test("what people type is understood", () => {
  expect(parseStretch("7")).toEqual({ from: 7, to: 7 });
  expect(parseStretch("9..2")).toEqual({ from: 2, to: 9 });
  expect(parseStretch("abc")).toEqual(EVERYTHING);
});

test("names may hold commas", () => {
  const names = ["a,b", "50%", "%2C", "x;y", "plain"];
  expect(parseNames(formatNames(names))).toEqual(names);
  expect(parseNames("")).toEqual([]);
});

test("a link says only what is chosen", () => {
  expect(episodeSearch({ environments: ["a"], episodes: { from: 1, to: 2 } }, null)).toBe(
    "?env=a&episodes=1..2",
  );
  expect(episodeSearch({}, null)).toBe("");
  expect(episodeSearch({ environments: ["a"] }, null, true)).toBe("?view=inherited&env=a");
});
