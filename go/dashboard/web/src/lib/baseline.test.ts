import { expect, test } from "vitest";
import { differingColumns, differs } from "./baseline";
import type { RunColumn } from "./run_columns";

const run = (name: string, lr: number, seed: number) => ({
  name,
  attributes: new Map<string, number | string>([
    ["config/lr", lr],
    ["config/seed", seed],
    ["sys/status", name],
  ]),
});
const column = (path: string): RunColumn => ({ kind: "attribute", path });
const summary: RunColumn = { kind: "summary", metric: "loss", scale: "ML_STEP", func: "last" };
const baseline = run("a", 0.1, 1234567);

test("settings that are not the baseline's", () => {
  const other = run("b", 0.1, 1234568);
  expect(differs(column("config/seed"), other, baseline)).toBe(true);
  expect(differs(column("config/lr"), other, baseline)).toBe(false);
  expect(differs(column("sys/status"), other, baseline)).toBe(false);
  expect(differs(column("config/seed"), other, null)).toBe(false);
  expect(differs(column("config/none"), other, baseline)).toBe(false);
});

test("columns in which nobody differs go; those that are no settings stay", () => {
  const columns = [column("sys/status"), column("config/lr"), column("config/seed"), summary];
  const shown = differingColumns(columns, [baseline, run("b", 0.1, 2)], baseline);
  expect(shown).toEqual([column("sys/status"), column("config/seed"), summary]);
});
