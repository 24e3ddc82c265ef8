import { expect, test } from "vitest";
import { GREY, PALETTE_SIZE } from "./colour";
import { colourKey, colourOfValue, valueColours } from "./value_colours";

test("each value has a colour of its own, whatever the order of runs", () => {
  const colours = valueColours(["ppo", "a2c", "ppo", ""]);
  expect(colourOfValue(colours, "ppo")).not.toBe(colourOfValue(colours, "a2c"));
  expect(valueColours(["", "ppo", "ppo", "a2c"])).toEqual(colours);
  expect(colourOfValue(colours, "")).toBe(GREY);
  expect(colours.counts.get("ppo")).toBe(2);
});

test("of more values than colours those that most runs have get one", () => {
  const often = Array.from({ length: PALETTE_SIZE }, (_, i) => `often-${i}`);
  const seldom = ["a", "b", "c"];
  const colours = valueColours([...seldom, ...often, ...often]);
  expect(new Set(often.map((text) => colourOfValue(colours, text))).size).toBe(PALETTE_SIZE);
  for (const text of seldom) expect(colourOfValue(colours, text)).toBe(GREY);
  expect(colourKey(colours, [...seldom, ...often])).toMatchObject({ others: 3, none: false });
});

test("a legend names what is shown, numbers in their order", () => {
  const colours = valueColours(["10", "9", "1", ""]);
  const key = colourKey(colours, ["10", "9", "9", ""]);
  expect(key.named.map((value) => value.text)).toEqual(["9", "10"]);
  expect(key).toMatchObject({ others: 0, none: true });
});

test("of values that as many runs have the first ones get a colour", () => {
  const texts = Array.from({ length: 120 }, (_, i) => String(i));
  const { named } = colourKey(valueColours(texts), texts);
  expect(named.map(({ text }) => text)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
});
