import { expect, test } from "vitest";
import { exactText } from "./exact_text";

test("no digit is lost", () => {
  expect(exactText(1234567)).not.toBe(exactText(1234568));
  expect(exactText(0.1 + 0.2)).toBe("0.30000000000000004");
  expect(exactText(new Date(5))).toBe("1970-01-01T00:00:00.005Z");
});

test("lists, truths and nothing", () => {
  expect(exactText(["a", "b"])).toBe("a, b");
  expect(exactText(false)).toBe("false");
  expect(exactText(null)).toBe(exactText(undefined));
});
