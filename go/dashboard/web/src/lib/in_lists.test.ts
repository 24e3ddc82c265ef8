import { expect, test } from "vitest";
import { inLists } from "./in_lists";

test("a list is cut, and nothing of it is lost", () => {
  expect(inLists([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(inLists([1, 2], 2)).toEqual([[1, 2]]);
  expect(inLists([], 2)).toEqual([]);
});
