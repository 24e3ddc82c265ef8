import { expect, test } from "vitest";
import { failureText } from "./failure_text";

test("a failure says what to do", () => {
  expect(failureText('[not_found] no run "a" in project "p"')).toBe(
    'no run "a" in project "p". It may have been deleted, or the address names it wrongly.',
  );
  expect(failureText("[unknown] Failed to fetch")).toBe(
    "the server does not answer (Failed to fetch). Is the server running, and reachable from here?",
  );
  expect(failureText("[internal] a page\nis damaged")).toBe("a page\nis damaged.");
  expect(failureText("the map shows too much")).toBe("the map shows too much.");
});
