import { expect, test } from "vitest";
import { lowestThat } from "./lowest_that";

test("every number is found, with few questions", async () => {
  for (let wanted = 3; wanted <= 40; wanted++) {
    let asked = 0;
    const found = await lowestThat(3, 40, async (n) => {
      asked++;
      return n >= wanted;
    });
    expect(found).toBe(wanted);
    expect(asked).toBeLessThanOrEqual(6);
  }
});

test("where it never holds, the end comes back", async () => {
  expect(await lowestThat(0, 9, async () => false)).toBe(9);
  expect(await lowestThat(4, 4, async () => true)).toBe(4);
});
