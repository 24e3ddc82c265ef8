import { expect, test } from "vitest";
import { partWithin } from "./smoothed_part";

const whole = { xs: [0, 10, 20, 30, 40], values: [0, 100, 50, 70, 10] };

test("the part in view has one point on either side, and the same line at other xs", () => {
  const part = partWithin(whole, { from: 12, to: 28 }, [15, 20, 25]);
  expect(part).toEqual({ xs: [10, 15, 20, 25, 30], values: [100, 75, 50, 60, 70] });
});

test("a stretch between two points has both; one that reaches beyond the ends has all", () => {
  expect(partWithin(whole, { from: 12, to: 14 }, []).xs).toEqual([10, 20]);
  expect(partWithin(whole, { from: -5, to: 99 }, [])).toEqual(whole);
});

test("behind its last point a line is level, as its last bucket goes on", () => {
  expect(partWithin(whole, { from: 35, to: 50 }, [44])).toEqual({
    xs: [30, 40, 44],
    values: [70, 10, 10],
  });
});
