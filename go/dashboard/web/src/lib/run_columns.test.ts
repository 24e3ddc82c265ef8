import { expect, test } from "vitest";
import {
  columnTitle,
  formatColumn,
  orderText,
  parseColumn,
  parseColumns,
  type RunColumn,
  summaryText,
} from "./run_columns";

const rate: RunColumn = { kind: "attribute", path: "config/a:b,c" };
const ret = { kind: "summary", metric: "return", scale: "EPISODE", func: "max" } as const;

test("columns come back from an address", () => {
  for (const column of [rate, ret]) expect(parseColumn(formatColumn(column))).toEqual(column);
  expect(parseColumns(`${formatColumn(rate)},${formatColumn(ret)},nonsense`)).toEqual([rate, ret]);
  expect(parseColumns("")).toBeNull();
  expect(parseColumn("s:a:b:drop")).toBeNull();
  expect(parseColumn("a:%zz")).toBeNull();
});

test("the server is asked in its grammar", () => {
  expect(summaryText(ret)).toBe('return(scale="EPISODE"):max');
  expect(orderText({ ...ret, scale: "ML_STEP" }, true)).toBe("return():max DESC");
  expect(orderText(rate, false)).toBe("attr(config/a:b,c) ASC");
  expect(columnTitle(rate)).toBe("a:b,c");
  expect(columnTitle(ret)).toBe("return max");
});
