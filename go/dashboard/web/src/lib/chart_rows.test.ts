import { expect, test } from "vitest";
import { heightOf, layRows, rowsWithin } from "./chart_rows";

const heights = { title: 10, charts: 100 };
const sections = [
  { name: "a", items: [1, 2, 3] },
  { name: "b", items: [4] },
];

test("sections become titles and rows of charts", () => {
  const rows = layRows(sections, 2, new Set(), heights);
  expect(rows.map((r) => (r.kind === "title" ? r.section : r.items))).toEqual([
    "a",
    [1, 2],
    [3],
    "b",
    [4],
  ]);
  expect(rows.map((r) => r.top)).toEqual([0, 10, 110, 210, 220]);
  expect(heightOf(rows)).toBe(320);
});

test("a closed section keeps its title", () => {
  const rows = layRows(sections, 2, new Set(["a"]), heights);
  expect(rows.map((r) => r.kind)).toEqual(["title", "title", "charts"]);
});

test("of many rows only those that are seen are picked", () => {
  const many = layRows(
    [{ name: "", items: Array.from({ length: 20_000 }, (_, i) => i) }],
    3,
    new Set(),
    heights,
  );
  const seen = rowsWithin(many, 5_000, 6_000);
  expect(seen.length).toBeLessThan(13);
  expect(seen[0]?.top).toBeLessThanOrEqual(5_000);
  expect(rowsWithin(many, -100, 0)).toEqual([]);
  expect(rowsWithin(many, 0, 1)).toHaveLength(1);
});
