import { expect, test } from "vitest";
import { filterError } from "./filter_error";

test("the place that a message names", () => {
  const text = "attr(config/lr) < < 3";
  const message = `[invalid_argument] filter: column 19 of "${text}": expected a value, got \`<\``;
  expect(filterError(message, text)).toEqual({
    before: "attr(config/lr) < ",
    after: "< 3",
    reason: "expected a value, got `<`",
  });
});

test("columns count bytes; quotes of the text are escaped in the message", () => {
  const text = 'attr(config/größe) == "a" x';
  const message = `column 29 of "attr(config/größe) == \\"a\\" x": expected the end, got \`x\``;
  expect(filterError(message, text)).toMatchObject({
    before: 'attr(config/größe) == "a" ',
    after: "x",
  });
});

test("a condition that ends too early is wrong behind its end", () => {
  const text = "attr(config/lr) <";
  const message = `column 18 of "${text}": expected a value, got the end`;
  expect(filterError(message, text)).toMatchObject({ before: text, after: "" });
});

test("messages that name no place of the text", () => {
  expect(filterError("the server is away", "x")).toBeNull();
  expect(filterError('column 9 of "x": expected y, got z', "x")).toBeNull();
});
