import { expect, test } from "vitest";
import { colouredText, formatColourBy, parseColourBy } from "./colour_by";

test("an address says what colours are by", () => {
  for (const text of ["config/lr", "sys/tags", ":tag a, b"]) {
    expect(formatColourBy(parseColourBy(text, ""))).toBe(text);
  }
  expect(parseColourBy("", "config/lr")).toBeNull();
});

test("colours follow the groups, of which there may be none", () => {
  expect(parseColourBy(":group", "config/lr")).toEqual({ path: "config/lr", tag: null });
  expect(parseColourBy(":group", "")).toBeNull();
});

test("values are told apart by all their digits", () => {
  const by = { path: "config/token", tag: null };
  expect(colouredText(by, 1234567)).not.toBe(colouredText(by, 1234568));
  expect(colouredText(by, ["a", "b"])).toBe("a, b");
  expect(colouredText(by, null)).toBe("");
});

test("a run has a tag or not, whatever other tags it has", () => {
  const by = { path: "sys/tags", tag: "best" };
  expect(colouredText(by, ["sweep", "best"])).toBe("best");
  expect(colouredText(by, ["best-of-two"])).toBe("");
  expect(colouredText(by, undefined)).toBe("");
});
