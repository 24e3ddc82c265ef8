import { expect, test } from "vitest";
import { totalsOf, waitingOf } from "./health_summary";

test("points of all loggers are added up, attributes are not", () => {
  const of = (what: string, added: number) => ({ what, added, sent: added - 1, dropped: 1 });
  expect(
    totalsOf([
      { counted: [of("points", 10), of("attributes", 99)] },
      { counted: [of("points of environments", 5)] },
    ]),
  ).toEqual({ added: 15, sent: 13, dropped: 2 });
  expect(totalsOf([])).toBeNull();
});

test("what is neither delivered nor dropped waits", () => {
  expect(waitingOf({ added: 10, sent: 6, dropped: 1 })).toBe(3);
});
