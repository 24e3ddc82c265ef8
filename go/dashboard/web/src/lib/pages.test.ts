import { expect, test } from "vitest";
import { allPages } from "./pages";

test.each([0, 1, 9, 10, 11, 20, 25])("%i entries in pages of ten", async (count) => {
  const entries = Array.from({ length: count }, (_, i) => i);
  const asked: number[] = [];
  const all = await allPages(10, async ({ limit, offset }) => {
    asked.push(Number(offset));
    return entries.slice(Number(offset), Number(offset + limit));
  });
  expect(all).toEqual(entries);
  expect(asked.length).toBe(Math.floor(count / 10) + 1);
});
