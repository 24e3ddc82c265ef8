import { expect, test } from "vitest";
import { exactMoment, formatMoment } from "./moment";

test("moments are told in UTC", () => {
  const moment = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
  expect(formatMoment(moment)).toBe("2026-01-02 03:04:05");
  expect(exactMoment(moment)).toBe("2026-01-02 03:04:05.006 UTC");
});
