import { expect, test } from "vitest";
import { envelopeOpacity, translucent } from "./envelope_opacity";

const together = (lines: number) => 1 - (1 - envelopeOpacity(lines)) ** lines;

test("one envelope is clearly visible, and what lies below many is, too", () => {
  expect(envelopeOpacity(1)).toBe(0.18);
  for (let lines = 2; lines <= 6; lines++) {
    expect(envelopeOpacity(lines)).toBeLessThan(envelopeOpacity(lines - 1));
    expect(together(lines)).toBeLessThan(0.4);
  }
});

test("opacity is written in two digits", () => {
  expect(translucent("#102030", 0)).toBe("#10203000");
  expect(translucent("#102030", 0.18)).toBe("#1020302e");
  expect(translucent("#102030", 1)).toBe("#102030ff");
});
