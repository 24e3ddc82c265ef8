import { expect, test } from "vitest";
import { namedOneOf, quoted } from "./query_text";

test("texts are escaped as the grammar wants it", () => {
  expect(quoted('a"b\\c\n\r\té')).toBe(String.raw`"a\"b\\c\n\r\té"`);
  expect(namedOneOf(["a", '"'])).toBe(String.raw`attr(sys/name) IN ["a", "\""]`);
});
