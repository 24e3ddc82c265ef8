import { expect, test } from "vitest";
import { counts, floats, numbersOrNone, times, withGaps } from "./columns";

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
