import { expect, test } from "vitest";
import {
  columnNote,
  columnTitle,
  firstSummary,
  formatColumn,
  orderText,
  parseColumn,
  parseColumns,
  type RunColumn,
  summaryColumns,
  summaryText,
} from "./run_columns";

const rate: RunColumn = { kind: "attribute", path: "config/a:b,c" };
const ret = { kind: "summary", metric: "return", scale: "EPISODE", func: "max" } as const;
const evaluated = { ...ret, only: "evaluation" } as const;

test("columns come back from an address", () => {
  for (const column of [rate, ret, evaluated])
    expect(parseColumn(formatColumn(column))).toEqual(column);
  expect(parseColumns(`${formatColumn(rate)},${formatColumn(ret)},nonsense`)).toEqual([rate, ret]);
  expect(parseColumns("")).toBeNull();
  expect(parseColumn("s:a:b:drop")).toBeNull();
  expect(parseColumn("s:a:b:last:often")).toBeNull();
  expect(parseColumn("a:%zz")).toBeNull();
});

test("the server is asked in its grammar", () => {
  expect(summaryText(ret)).toBe('return(scale="EPISODE"):max');
  expect(summaryText(evaluated)).toBe('return(scale="EPISODE", filter=(evaluation="true")):max');
  expect(summaryText({ ...evaluated, scale: "ML_STEP", only: "training" })).toBe(
    'return(filter=(evaluation != "true")):max',
  );
  expect(orderText({ ...ret, scale: "ML_STEP" }, true)).toBe("return():max DESC");
  expect(orderText(rate, false)).toBe("attr(config/a:b,c) ASC");
  expect(columnTitle(rate)).toBe("a:b,c");
  expect(columnTitle(ret)).toBe("return max");
  expect(columnTitle(evaluated)).toBe("return max, evaluation");
});

test("a metric of training and evaluation has a column for each", () => {
  const metric = { metricName: "return", scale: "EPISODE", labelKeys: ["evaluation"] };
  const [training, evaluation] = summaryColumns(metric, "max");
  expect(training).toEqual({ ...ret, only: "training" });
  expect(evaluation).toEqual(evaluated);
  expect(firstSummary(metric)).toEqual([{ ...ret, func: "last", only: "training" }]);
  // Of series told apart by other labels there is no last.
  const split = { ...metric, labelKeys: ["task"] };
  expect(firstSummary(split)).toEqual([{ ...ret, func: "avg" }]);
});

test("columns over environments say what they are of", () => {
  expect(columnNote(rate)).toBeUndefined();
  expect(columnNote({ ...ret, scale: "ML_STEP" })).toBeUndefined();
  expect(columnNote(ret)).toBe("Of the points of all environments");
  expect(columnNote({ ...ret, func: "last" })).toBe(
    "Mean over environments of the latest episode of each",
  );
  expect(columnNote({ ...ret, func: "first", scale: "ENVIRONMENT_STEP" })).toBe(
    "Mean over environments of the first value of each",
  );
});
