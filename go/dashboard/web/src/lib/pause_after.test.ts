import { expect, test } from "vitest";
import { pauseAfter } from "./pause_after";

test("pauses grow up to a quarter of a minute", () => {
  const pauses = [0, 1, 2, 3, 4, 5, 6, 60].map(pauseAfter);
  expect(pauses).toEqual([500, 500, 1000, 2000, 4000, 8000, 16_000, 16_000]);
});
