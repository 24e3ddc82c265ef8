import { expect, test } from "vitest";
import { axisTicks } from "./axis_ticks";

const labels = (...of: Parameters<typeof axisTicks>) => axisTicks(...of).map((t) => t.label);

test("ticks of times are round to those who read clocks", () => {
  expect(labels("relative", [0, 200_000], false, 634)).toEqual([
    "0 s",
    "30 s",
    "1 min",
    "1 min 30 s",
    "2 min",
    "2 min 30 s",
    "3 min",
  ]);
  const noon = Date.UTC(2026, 1, 3, 12);
  expect(labels("wall", [noon - 60_000, noon + 3_600_000], false, 400)).toEqual(
    ["02-03 12:00", "02-03 12:15", "02-03 12:30", "02-03 12:45", "02-03 13:00"].filter(
      (_, i) => i % 2 === 0,
    ),
  );
});

test("ticks of steps are round numbers, as many as there is room for", () => {
  expect(axisTicks("step", [0, 1000], false, 300)).toEqual(
    [0, 200, 400, 600, 800, 1000].map((at) => ({ at, label: String(at) })),
  );
  expect(labels("env_step", [0, 3], false, 634)).toEqual(["0", "1", "2", "3"]);
  expect(labels("step", [1, 1000], true, 634)).toEqual(["1", "10", "100", "1000"]);
});
