import { expect, test } from "vitest";
import { windowOf } from "./windowing";

test("only rows near what is seen are drawn", () => {
  expect(windowOf(0, 500, 100, 1000)).toEqual({ from: 0, to: 7 });
  expect(windowOf(-10_050, 500, 100, 1000)).toEqual({ from: 98, to: 108 });
});

test("a list out of sight draws nothing but its nearest rows", () => {
  expect(windowOf(5000, 500, 100, 1000)).toEqual({ from: 0, to: 0 });
  expect(windowOf(-200_000, 500, 100, 1000)).toEqual({ from: 1000, to: 1000 });
});
