import { expect, test } from "vitest";
import { PANEL, widthAt, widthByKey } from "./panel_width";

test("the edge is where it is dragged to, within bounds", () => {
  const table = { left: 100, right: 1100 };
  expect(widthAt(700, table)).toBe(40);
  expect(widthAt(0, table)).toBe(75);
  expect(widthAt(1090, table)).toBe(25);
});

test("arrow keys move the edge their way", () => {
  expect(widthByKey(50, "ArrowLeft")).toBe(55);
  expect(widthByKey(50, "ArrowRight")).toBe(45);
  expect(widthByKey(75, "ArrowLeft")).toBe(75);
  expect(widthByKey(50, "End")).toBe(25);
  expect(widthByKey(50, "x")).toBeNull();
});

test("an address without a width has no charts beside the table", () => {
  expect(PANEL.parse("")).toBeNull();
  expect(PANEL.parse("no number")).toBeNull();
  expect(PANEL.parse("40")).toBe(40);
  expect(PANEL.parse("1")).toBe(25);
  expect(PANEL.format(PANEL.parse("60"))).toBe("60");
});
