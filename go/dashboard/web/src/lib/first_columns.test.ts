import { expect, test } from "vitest";
import { firstColumns, firstSparkline } from "./first_columns";
import { columnTitle } from "./run_columns";

const titles = (...of: Parameters<typeof firstColumns>) => firstColumns(...of).map(columnTitle);
const ALWAYS = ["status", "created", "duration", "tags"];

test("four settings are shown, and where the most telling metric ended", () => {
  const paths = ["config/a", "config/b", "config/c", "config/d", "config/e", "note", "sys/name"];
  const metrics = [
    { metricName: "a", scale: "ML_STEP", labelKeys: [] },
    { metricName: "loss", scale: "ML_STEP", labelKeys: [] },
  ];
  expect(titles(paths, metrics)).toEqual([...ALWAYS, "a", "b", "c", "d", "loss last"]);
  expect(titles([], metrics.slice(0, 1))).toEqual([...ALWAYS, "a last"]);
  expect(titles([], [])).toEqual(ALWAYS);
});

test("what environments log comes before what else there is", () => {
  const metrics = [
    { metricName: "a", scale: "ML_STEP", labelKeys: [] },
    { metricName: "return", scale: "EPISODE", labelKeys: [] },
  ];
  expect(titles([], metrics)).toEqual([...ALWAYS, "return last"]);
  expect(firstSparkline(metrics)).toBe('return(scale="EPISODE")');
  expect(firstSparkline([])).toBeNull();
});
