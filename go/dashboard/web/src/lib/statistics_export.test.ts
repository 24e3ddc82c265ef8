import { expect, test } from "vitest";
import { intervalText, statisticsCsv, statisticsPython } from "./statistics_export";

test("a figure becomes a table, names with commas in quotes", () => {
  const group = { counts: [2, 0], values: [1.5, Number.NaN], low: null, high: null };
  const groups = [
    { name: 'a,"b"', ...group },
    { name: "c", ...group, low: [1, Number.NaN], high: [2, Number.NaN] },
  ];
  expect(statisticsCsv("env steps", [0, 10], groups).split("\r\n")).toEqual([
    "group,env steps,samples,estimate,low,high",
    '"a,""b""",0,2,1.5,,',
    '"a,""b""",10,0,,,',
    "c,0,2,1.5,1,2",
    "c,10,0,,,",
    "",
  ]);
});

test("no group is a formula", () => {
  const group = { name: "=1+1", counts: [1], values: [-1], low: null, high: null };
  expect(statisticsCsv("step", [0], [group])).toContain("\r\n'=1+1,0,1,-1,,\r\n");
});

test("the program has the question as it is", () => {
  const question = { includeSamples: true, name: 'a "quoted" \\ one', empty: "" };
  const text = statisticsPython("http://h:1", question);
  const [, json] = text.match(/json\.loads\(r"""(.*?)"""\)/s) ?? [];
  expect(JSON.parse(json ?? "")).toEqual(question);
  expect(text).toContain('"http://h:1/metrana.views.v1.ViewsService/GetStatistics"');
});

test("an estimate has its interval beside it, where there is one", () => {
  expect(intervalText({ value: 12.34567, low: 10, high: 14.2 })).toBe("12.35 [10, 14.2]");
  expect(intervalText({ value: 1, low: Number.NaN, high: Number.NaN })).toBe("1");
});
