import { expect, test } from "vitest";
import {
  AS_LOGGED,
  formatScales,
  formatScaling,
  normalisationText,
  parseScales,
  parseScaling,
  type Scaling,
  withScale,
} from "./normalisation";

test("what has a scale of its own comes back from the address", () => {
  const all: Scaling[] = [
    { by: "none" },
    { by: "all" },
    { by: "environment" },
    { by: "run attribute", path: "config/env:id" },
    { by: "environment attribute", path: "task" },
  ];
  expect(all.map((scaling) => parseScaling(formatScaling(scaling)))).toEqual(all);
  expect(parseScaling("")).toEqual({ by: "none" });
  expect(parseScaling("median")).toEqual({ by: "none" });
});

test("scales come back from the address, whatever they are of", () => {
  const scales = [
    { of: "a,b;c%", low: -20.7, high: 14.6 },
    { of: "", low: 0, high: null },
    { of: "walk", low: null, high: 1e6 },
  ];
  expect(parseScales(formatScales(scales))).toEqual(scales);
  expect(formatScales([{ of: "x", low: null, high: null }])).toBe("");
  expect(parseScales("")).toEqual([]);
  expect(parseScales("x,one,2")).toEqual([{ of: "x", low: null, high: 2 }]);
});

test("an end of a scale is given, and taken back", () => {
  const given = withScale([{ of: "a", low: 1, high: null }], "a", { high: 2 });
  expect(given).toEqual([{ of: "a", low: 1, high: 2 }]);
  expect(withScale(given, "b", { low: 0 })).toContainEqual({ of: "b", low: 0, high: null });
});

test("a figure says what is 0 and what is 1", () => {
  const ends = { low: 0, high: 500 };
  const tasks = { by: "environment attribute", path: "task", scales: [] } as const;
  expect(normalisationText(AS_LOGGED, [])).toBe("Not normalised.");
  expect(normalisationText({ by: "all", scales: [] }, [{ of: "", ...ends }])).toBe(
    "Normalised: 0 is 0 and 500 is 1.",
  );
  expect(
    normalisationText({ ...tasks, scales: [] }, [
      { of: "", ...ends },
      { of: "reach", low: -1, high: 1 },
    ]),
  ).toBe(
    "Normalised: each task of environments on its own, before they are put together: of (none) 0 is 0 and 500 is 1, of reach -1 is 0 and 1 is 1.",
  );
  const many = Array.from({ length: 57 }, (_, i) => ({ of: `game-${i}`, ...ends }));
  const given = { by: "run attribute", path: "config/game", scales: many.slice(0, 3) } as const;
  expect(normalisationText({ ...given, scales: many.slice(0, 3) }, many)).toBe(
    "Normalised: each config/game on its own: 57 of them, from the least value (0) to the greatest (1), 3 by given ends.",
  );
});
