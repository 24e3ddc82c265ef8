import { expect, test } from "vitest";
import { labelOf } from "./labels";

test("labels come in the order of their keys", () => {
  expect(labelOf({ split: "test", head: "b" })).toBe("head=b, split=test");
  expect(labelOf({})).toBe("");
});
