import { expect, test } from "vitest";
import { belongsTo } from "./key_scope";

test("where one writes or chooses, all keys stay", () => {
  for (const type of ["text", "search", "number"]) {
    expect(belongsTo({ tag: "input", type }, "j")).toBe(true);
  }
  expect(belongsTo({ tag: "textarea", type: "" }, "?")).toBe(true);
  expect(belongsTo({ tag: "select", type: "" }, "x")).toBe(true);
  expect(belongsTo({ tag: "video", type: "" }, " ")).toBe(true);
  expect(belongsTo({ tag: "video", type: "" }, "]")).toBe(false);
});

test("what is pressed has Enter and space, and leaves letters to the page", () => {
  for (const target of [
    { tag: "a", type: "" },
    { tag: "button", type: "" },
    { tag: "input", type: "checkbox" },
  ]) {
    expect(belongsTo(target, "Enter")).toBe(true);
    expect(belongsTo(target, " ")).toBe(true);
    expect(belongsTo(target, "j")).toBe(false);
  }
});
