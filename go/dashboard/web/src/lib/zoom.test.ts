import { expect, test } from "vitest";
import { formatZoom, parseZoom, zoomed } from "./zoom";

test("each axis has a stretch of its own", () => {
  const zoom = zoomed(parseZoom("step:10..20"), "relative", { from: -5, to: 1764000000000 });
  expect(formatZoom(zoom)).toBe("step:10..20,relative:-5..1764000000000");
  expect(parseZoom(formatZoom(zoom))).toEqual(zoom);
  expect(formatZoom(zoomed(zoom, "step", null))).toBe("relative:-5..1764000000000");
});

test.each([
  "",
  "10..20",
  "steps:1..2",
  "step:2..1",
  "step:1..1",
  "step:1.5..2",
  "step:1..1e9",
  "%",
])("%j is no zoom", (text) => expect(parseZoom(text).size).toBe(0));
