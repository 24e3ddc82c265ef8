import { expect, test } from "vitest";
import { formatAgo, formatCount, formatDuration, formatValue } from "./format";

test("values", () => {
  expect(formatValue(0)).toBe("0");
  expect(formatValue(0.123456789)).toBe("0.12346");
  expect(formatValue(500)).toBe("500");
  expect(formatValue(1.5e-7)).toBe("1.5e-7");
  expect(formatValue(3e-4)).toBe("3e-4");
  expect(formatValue(-1.23456e10)).toBe("-1.235e+10");
  expect(formatValue(Number.NaN)).toBe("NaN");
  expect(formatValue(Number.NEGATIVE_INFINITY)).toBe("−∞");
});

test("durations", () => {
  expect(formatDuration(0)).toBe("0 s");
  expect(formatDuration(0.0004)).toBe("0 s");
  expect(formatDuration(0.35)).toBe("350 ms");
  expect(formatDuration(0.9996)).toBe("1 s");
  expect(formatDuration(7.4)).toBe("7 s");
  expect(formatDuration(200)).toBe("3 min 20 s");
  expect(formatDuration(7500)).toBe("2 h 5 min");
  expect(formatDuration(90000)).toBe("1 d 1 h");
  expect(formatAgo(new Date(0), new Date(1000))).toBe("just now");
  expect(formatAgo(new Date(0), new Date(60_000))).toBe("1 min 0 s ago");
});

test("counts", () => {
  expect(formatCount(1234567)).toBe("1\u202f234\u202f567");
  expect(formatCount(123)).toBe("123");
});
