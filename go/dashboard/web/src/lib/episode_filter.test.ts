import { expect, test } from "vitest";
import {
  commonStretch,
  EVERYTHING,
  episodeSearch,
  formatNames,
  formatStretch,
  isFiltered,
  parseFilter,
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

test("what a link says is read again", () => {
  const filter = {
    environments: ["a,b"],
    episodes: { from: 1, to: 2 },
    rlSteps: EVERYTHING,
    values: { from: -0.5, to: null },
  };
  expect(parseFilter(episodeSearch(filter, "return"))).toEqual(filter);
  expect(isFiltered(filter)).toBe(true);
  expect(isFiltered(parseFilter("metric=return"))).toBe(false);
});

test("stretches have a part in common, or none", () => {
  const upTo9 = { from: null, to: 9 };
  expect(commonStretch(upTo9, { from: 3, to: null })).toEqual({ from: 3, to: 9 });
  expect(commonStretch(upTo9, { from: 2, to: 5 })).toEqual({ from: 2, to: 5 });
  expect(commonStretch(upTo9, { from: 10, to: null })).toBeNull();
  expect(commonStretch(EVERYTHING, EVERYTHING)).toEqual(EVERYTHING);
});
