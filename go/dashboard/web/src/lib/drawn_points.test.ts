import { expect, test } from "vitest";
import {
  type DrawnPoint,
  drawnNow,
  firstPoint,
  nearestMark,
  nearestValue,
  pointBeside,
  pointOfOtherLine,
} from "./drawn_points";

const mark = (line: number, x: number, value: number): DrawnPoint => ({
  line,
  x,
  value,
  left: 10 * x,
  top: value === Number.NEGATIVE_INFINITY ? 100 : 0,
});

const drawn = {
  xs: [0, 1, 2, 3],
  values: [
    [0, 1, null, 3],
    [5, 5, undefined, 5],
  ],
  marks: [
    mark(0, 1, Number.NaN),
    mark(0, 1.5, Number.NEGATIVE_INFINITY),
    mark(1, 1.5, Number.POSITIVE_INFINITY),
    mark(1, 2, Number.NaN),
  ],
  left: (x: number) => 10 * x,
  top: (value: number) => 100 - 10 * value,
};
const unmarked = { ...drawn, marks: [] };

const at = (line: number, x: number, value: number) => ({
  ...mark(line, x, value),
  ...(Number.isFinite(value) ? { top: drawn.top(value) } : {}),
});

test("the nearest value is picked, and none that is far away", () => {
  expect(nearestValue(drawn, { left: 12, top: 88 }, 20)).toEqual(at(0, 1, 1));
  expect(nearestValue(drawn, { left: 12, top: 55 }, 20)).toEqual(at(1, 1, 5));
  expect(nearestValue(drawn, { left: 21, top: 50 }, 5)).toBeNull();
  expect(nearestValue(drawn, { left: 300, top: 50 }, 20)).toBeNull();
});

test("the nearest mark is picked", () => {
  expect(nearestMark(drawn, { left: 12, top: 2 }, 10)).toBe(drawn.marks[0]);
  expect(nearestMark(drawn, { left: 12, top: 40 }, 10)).toBeNull();
});

test("keys begin at the first value or mark, which a line of its own may not have", () => {
  expect(firstPoint({ ...unmarked, values: [[], [null, 4], [3]] })).toEqual(at(1, 1, 4));
  expect(firstPoint({ ...unmarked, values: [[], [undefined]] })).toBeNull();
  const marks = [mark(1, 0.5, Number.NaN)];
  expect(firstPoint({ ...drawn, values: [[], [null, 4]], marks })).toBe(marks[0]);
});

test("keys go along a line over its gaps", () => {
  expect(pointBeside(unmarked, at(0, 1, 1), 1)).toEqual(at(0, 3, 3));
  expect(pointBeside(unmarked, at(0, 3, 3), -1)).toEqual(at(0, 1, 1));
  expect(pointBeside(unmarked, at(0, 0, 0), -1)).toEqual(at(0, 0, 0));
});

test("keys stop at what is not finite, also beside a value of the same x", () => {
  const seen: [number, number][] = [];
  let point: DrawnPoint = at(0, 0, 0);
  for (let i = 0; i < 5; i++) {
    point = pointBeside(drawn, point, 1);
    seen.push([point.x, point.value]);
  }
  expect(seen).toEqual([
    [1, 1],
    [1, Number.NaN],
    [1.5, Number.NEGATIVE_INFINITY],
    [3, 3],
    [3, 3],
  ]);
  expect(pointBeside(drawn, point, -1)).toBe(drawn.marks[1]);
  expect(pointBeside(drawn, at(0, 1, Number.NaN), -1)).toEqual(at(0, 1, 1));
});

test("keys go from line to line at one x, to marks as well", () => {
  expect(pointOfOtherLine(drawn, at(1, 3, 5), 1)).toEqual(at(0, 3, 3));
  expect(pointOfOtherLine(drawn, at(0, 3, 3), -1)).toEqual(at(1, 3, 5));
  expect(pointOfOtherLine(drawn, at(0, 1.5, Number.NEGATIVE_INFINITY), 1)).toBe(drawn.marks[2]);
  expect(pointOfOtherLine(drawn, at(1, 2, Number.NaN), 1)).toEqual(at(1, 2, Number.NaN));
});

test("a point is found again as it is drawn now, as what it was", () => {
  const later = { ...drawn, values: [[0, 1.5, null, 3]] };
  expect(drawnNow(later, at(0, 1, 1))).toEqual(at(0, 1, 1.5));
  expect(drawnNow(later, at(0, 1, Number.NaN))).toBe(drawn.marks[0]);
  expect(drawnNow(later, at(0, 2, 7))).toBeNull();
  expect(drawnNow(later, at(0, 1, Number.POSITIVE_INFINITY))).toBeNull();
});
