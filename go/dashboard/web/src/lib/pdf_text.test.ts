import { expect, test } from "vitest";
import { helveticaWidth, pdfString, pdfWideString } from "./pdf_text";

test("texts are strings of ASCII, whatever signs they have", () => {
  expect(pdfString("a (b) \\ c")).toBe("(a \\(b\\) \\\\ c)");
  expect(pdfString("Grüße e\u0301 ±")).toBe("(Gr\\374\\337e \\351 \\261)");
  expect(pdfString("−∞ 1\u2009000 報")).toBe("(-inf 1 000 ?)");
  expect(pdfWideString("é報")).toBe("<FEFF00e95831>");
});

test("texts are as wide as Helvetica writes them", () => {
  expect(helveticaWidth("Wi.", 10)).toBeCloseTo(9.44 + 2.22 + 2.78);
  expect(helveticaWidth("~é", 1000)).toBe(584 + 556);
});
