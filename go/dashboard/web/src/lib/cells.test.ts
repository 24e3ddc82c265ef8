import { expect, test } from "vitest";
import { cellAt, cellBeside, labelPlaces, limitsOf, partOf, pixelsOf, spanOf } from "./cells";

test("limits leave out what is not finite, and outliers when asked", () => {
  expect(limitsOf([3, Number.NaN, 1, Number.NEGATIVE_INFINITY])).toEqual({ low: 1, high: 3 });
  expect(limitsOf([Number.NaN])).toBeNull();
  const values = Array.from({ length: 101 }, (_, i) => (i === 100 ? 1e9 : i));
  expect(limitsOf(values, 0.02)).toEqual({ low: 2, high: 98 });
});

test("equal values are in the middle of the scale", () => {
  expect(partOf(4, { low: 4, high: 4 })).toBe(0.5);
});

test("cells without a value are transparent, outliers have the colours of the ends", () => {
  const pixels = pixelsOf(new Float64Array([Number.NaN, -5, 99]), { low: 0, high: 1 });
  expect([...pixels]).toEqual([0, 0, 0, 0, 68, 1, 84, 255, 253, 231, 37, 255]);
});

test("places become cells, also at the very edge", () => {
  expect(cellAt(0.5, 0.99, 4, 10)).toEqual({ row: 3, column: 5 });
  expect(cellAt(1, -0.1, 4, 10)).toEqual({ row: 0, column: 9 });
});

test("two cells span a rectangle whichever comes first", () => {
  expect(spanOf({ row: 3, column: 1 }, { row: 1, column: 5 })).toEqual({
    firstRow: 1,
    lastRow: 3,
    firstColumn: 1,
    lastColumn: 5,
  });
});

test("arrow keys stay within the grid", () => {
  expect(cellBeside({ row: 0, column: 2 }, "ArrowUp", 3, 3)).toEqual({ row: 0, column: 2 });
  expect(cellBeside({ row: 0, column: 2 }, "ArrowDown", 3, 3)).toEqual({ row: 1, column: 2 });
  expect(cellBeside({ row: 0, column: 2 }, "Tab", 3, 3)).toBeNull();
});

test("labels are spread over an axis", () => {
  expect(labelPlaces(5, 10)).toEqual([0, 1, 2, 3, 4]);
  expect(labelPlaces(101, 3)).toEqual([0, 50, 100]);
  expect(labelPlaces(0, 3)).toEqual([]);
});
