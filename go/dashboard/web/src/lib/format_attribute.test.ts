import { expect, test } from "vitest";
import { formatAttribute } from "./format_attribute";

test("attributes of every kind have a text", () => {
  expect(formatAttribute(undefined)).toBe("");
  expect(formatAttribute(null)).toBe("");
  expect(formatAttribute(9.8100004)).toBe("9.81");
  expect(formatAttribute(false)).toBe("false");
  expect(formatAttribute(["a", "b"])).toBe("a, b");
  expect(formatAttribute(new Date(0))).toBe("1970-01-01T00:00:00.000Z");
});
