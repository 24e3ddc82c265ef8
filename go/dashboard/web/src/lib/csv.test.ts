import { expect, test } from "vitest";
import { csvOf } from "./csv";

test("each row is a line, and what would end a cell is quoted", () => {
  expect(
    csvOf([
      ["a", 1e-9],
      ['b"c', -1.5],
      ["d,\ne", Number.NaN],
    ]),
  ).toBe('a,1e-9\r\n"b""c",-1.5\r\n"d,\ne",NaN\r\n');
});

test("no text is a formula, and numbers stay numbers", () => {
  for (const begin of ["=", "+", "-", "@", "\t"]) {
    expect(csvOf([[`${begin}1`]])).toBe(`'${begin}1\r\n`);
  }
  expect(csvOf([['=HYPERLINK("x")', -1]])).toBe(`"'=HYPERLINK(""x"")",-1\r\n`);
});
