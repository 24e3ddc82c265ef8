import { expect, test } from "vitest";
import { counts, floatColumns, floats, numbersOrNone, times, withGaps } from "./columns";

/** Bytes that begin where no typed array may. */
function shifted(bytes: ArrayBuffer): Uint8Array {
  const whole = new Uint8Array(bytes.byteLength + 3);
  whole.set(new Uint8Array(bytes), 3);
  return whole.subarray(3);
}

test("columns are read wherever they begin", () => {
  expect([...floats(shifted(new Float64Array([1.5, -2]).buffer))]).toEqual([1.5, -2]);
  expect([...counts(shifted(new BigUint64Array([7n, 1n << 40n]).buffer))]).toEqual([7, 2 ** 40]);
  expect([...times(shifted(new BigInt64Array([-5n]).buffer))]).toEqual([-5]);
  expect([...floats(new Uint8Array())]).toEqual([]);
});

test("several columns are read into one piece of memory", () => {
  const columns = [[1.5, -2], [], [Number.NaN]].map((numbers) =>
    shifted(new Float64Array(numbers).buffer),
  );
  const read = floatColumns(columns);
  expect(read.map((column) => [...column])).toEqual([[1.5, -2], [], [Number.NaN]]);
  expect(new Set(read.map((column) => column.buffer)).size).toBe(1);
  expect(() => floatColumns([new Uint8Array(8), new Uint8Array(12)])).toThrow("12 bytes");
});

test("whole numbers are rounded as BigInts are", () => {
  const words = [0n, 1n, 0xffff_ffffn, 1n << 32n, (1n << 53n) + 1n, (1n << 53n) + 3n];
  const unsigned = [...words, (1n << 63n) + 1025n, (1n << 64n) - 1n];
  expect([...counts(new Uint8Array(new BigUint64Array(unsigned).buffer))]).toEqual(
    unsigned.map(Number),
  );
  const signed = [...words, ...words.map((word) => -word), -(1n << 63n), 1_700_000_000_123n];
  expect([...times(new Uint8Array(new BigInt64Array(signed).buffer))]).toEqual(signed.map(Number));
});

test("half a number is no column", () => {
  expect(() => floats(new Uint8Array(12))).toThrow("12 bytes");
});

test("a NaN is a number only where it was logged", () => {
  const numbers = new Float64Array([1, Number.NaN, Number.NaN, Number.POSITIVE_INFINITY]);
  const found = [1, Number.NaN, undefined, Number.POSITIVE_INFINITY];
  expect(numbersOrNone(numbers, new Uint8Array([0, 1, 0, 0]))).toEqual(found);
});

test("what is not finite is a gap", () => {
  expect(withGaps(new Float64Array([1, Number.NaN, Number.POSITIVE_INFINITY]))).toEqual([
    1,
    null,
    null,
  ]);
});
