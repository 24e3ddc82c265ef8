import { expect, test } from "vitest";
import { greatest, MOST_TERMS, stacked } from "./reward_terms";

test("positive terms go up from 0, negative ones down, the greatest next to 0", () => {
  const stack = stacked([
    { name: "alive", values: [1, 1] },
    { name: "progress", values: [2, 4] },
    { name: "torque", values: [-1, -0.5] },
    { name: "slip", values: [-0.25, null] },
  ]);
  expect(stack?.terms.map(({ name, low, high }) => [name, low, high])).toEqual([
    ["progress", [0, 0], [2, 4]],
    ["alive", [2, 4], [3, 5]],
    ["torque", [-1, -0.5], [0, 0]],
    ["slip", [-1.25, -0.5], [-1, -0.5]],
  ]);
  expect(stack?.total).toEqual([1.75, 4.5]);
});

test("a term that changes its sign has no stack, a little of the other sign does not matter", () => {
  const other = { name: "b", values: [1, 1, 1] };
  expect(stacked([{ name: "a", values: [-1, 0, 2] }, other])).toBeNull();
  const stack = stacked([{ name: "a", values: [-0.01, 1, 1] }, other]);
  expect(stack?.terms.map(({ low, high }) => [low, high])).toEqual([
    [
      [0, 0, 0],
      [1, 1, 1],
    ],
    [
      [1, 1, 1],
      [1, 2, 2],
    ],
  ]);
  expect(stack?.total[0]).toBeCloseTo(0.99);
});

test("many terms: the smallest of each sign share an area", () => {
  const terms = Array.from({ length: 12 }, (_, i) => ({
    name: `t${i}`,
    values: [(12 - i) * (i % 2 ? -1 : 1)],
  }));
  const stack = stacked(terms);
  expect(stack?.terms.map((t) => t.name).slice(MOST_TERMS)).toEqual([
    "2 more positive",
    "2 more negative",
  ]);
  expect(stack?.terms.slice(MOST_TERMS).map((t) => t.values)).toEqual([[6], [-4]]);
  expect(greatest(terms).map((t) => t.name)).toHaveLength(MOST_TERMS);
  expect(greatest(terms)[0]?.name).toBe("t0");
});

test("nothing at an x is nothing, not 0", () => {
  expect(stacked([{ name: "a", values: [null, 1] }])?.total).toEqual([null, 1]);
  expect(stacked([])).toEqual({ terms: [], total: [] });
});
