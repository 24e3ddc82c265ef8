import { expect, test } from "vitest";
import { lossText } from "./losses";

test("losses say how many, and whose they are", () => {
  expect(lossText({ refused: 0, dropped: 5 })).toEqual({
    short: "5 lost",
    long: "Points: 5 dropped by the client",
  });
  expect(lossText({ refused: 2, dropped: 1 })).toEqual({
    short: "3 lost",
    long: "Points: 1 dropped by the client, 2 refused by the server",
  });
});
